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

// "time on a CPU, time waiting for one, number of turns", both times in nanoseconds.
function threadTimeNs(schedstat: string): number {
  return Number(readFileSync(schedstat, 'latin1').split(' ', 1)[0])
}
