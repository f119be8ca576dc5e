import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '@gatelet/core'

// File systems that tell of no changes, and changes that no event tells of, are looked for as often as this.
const LOOK_MS = 5_000

// A certificate and its key are two files: time for whoever replaces them to do both.
const SETTLE_MS = 200

/**
 * Calls `changed` when files have other contents, also where they are links that lead elsewhere now, or are replaced by a
 * rename. Keeps no process alive.
 * @returns its undo
 */
export function watchFiles(files: readonly string[], changed: () => void, clock: Clock): () => void {
  let seen = stampOf(files)
  let cancel = () => {}
  let isSettling = false
  const look = () => {
    isSettling = false
    const stamp = stampOf(files)
    if (stamp !== seen) {
      seen = stamp
      changed()
    }
    lookIn(LOOK_MS)
  }
  const lookIn = (ms: number) => {
    cancel()
    cancel = clock.setTimer(look, ms)
  }
  // Once for all that happens meanwhile: in a busy folder it would never be time.
  const changes = () => {
    if (!isSettling) lookIn(SETTLE_MS)
    isSettling = true
  }
  lookIn(LOOK_MS)
  const watchers = [...new Set(files.map(dirname))].map((folder) => watched(folder, changes))
  return () => {
    cancel()
    for (const watcher of watchers) watcher?.close()
  }
}

function watched(folder: string, listener: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, listener)
    // The folder is gone, for example. We still look by ourselves.
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

const stampOf = (files: readonly string[]): string => files.map(stamp).join()

function stamp(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch {
    return ''
  }
}
