import { existsSync, readFileSync } from 'node:fs'
import { findProgram } from '@gatelet/testing'

/** Where a program runs: on the core of the subject, or on those of everything else. */
export type Place = 'subject' | 'others'

const cores = ownCores()

/** Whether the subject has a core for itself. Sharing one would make its caches colder, and its figures less steady. */
export const isPinned: boolean = findProgram('taskset') !== undefined && cores.length > 1

/** The command, held to its place where that is possible. */
export function pinned(command: readonly string[], place: Place): string[] {
  if (!isPinned) return [...command]
  const list = place === 'subject' ? cores.slice(-1) : cores.slice(0, -1)
  return ['taskset', '--cpu-list', list.join(','), ...command]
}

// In a container these are not simply 0 to n: "Cpus_allowed_list:	0-1,4".
function ownCores(): number[] {
  if (!existsSync('/proc/self/status')) return []
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}
