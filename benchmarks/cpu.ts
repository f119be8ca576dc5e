import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time that all threads of a process have used so far, in nanoseconds: its own work, that of the kernel on its behalf,
 * the garbage collector's threads. Linux only.
 * @throws Error when there is no such process
 */
export function cpuTimeNs(pid: number): number {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).reduce((sum, thread) => sum + threadTimeNs(`${tasks}/${thread}/schedstat`), 0)
}

/** The processes that a process has started and that run. Linux only. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`
  const lists = readdirSync(tasks).map((thread) => readFileSync(`${tasks}/${thread}/children`, 'latin1'))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

// "time on a CPU, time waiting for one, number of turns", both times in nanoseconds.
function threadTimeNs(schedstat: string): number {
  return Number(readFileSync(schedstat, 'latin1').split(' ', 1)[0])
}
