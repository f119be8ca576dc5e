import { constants, type FSWatcher, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Checks, checkOptions, options } from '@gatelet/core'
import type { EndpointInit } from '../endpoint-options.ts'
import type { DiscoveryObserver, DiscoverySource } from './source.ts'

/** How a file is watched. */
export interface WatchedFileOptions {
  /**
   * How often the file is looked at besides, in milliseconds, at least 1: some file systems (network, containers) tell of no
   * changes. Default 5,000.
   */
  pollMs?: number
}

/**
 * A JSON file with the list of endpoints, as `endpoints` takes it: `["http://10.0.0.1:8080", { "url": "…", "weight": 2 }]`. It is
 * read again as soon as it changes, also when another file takes its place. One that is half written, is not there, is no
 * regular file or is larger than 16 MiB is a failure: the list before stays.
 * @throws GatewayError `BAD_OPTION`
 */
export function watchedFile(path: string, given: WatchedFileOptions = {}): DiscoverySource {
  const checked = checkOptions<WatchedFileOptions & { path: string }>(
    'watchedFile',
    { ...given, path },
    { ...checks, path: options.string },
  )
  const { pollMs = 5_000 } = checked
  return {
    name: `file ${path}`,
    watch(observer) {
      const reader = new Reader(resolve(path), pollMs, observer)
      return () => reader.close()
    },
  }
}

const checks: Checks<WatchedFileOptions> = { pollMs: options.optional(options.milliseconds()) }

const MAX_BYTES = 16 * 1024 * 1024
// A pipe in its place is opened at once: to wait for whoever writes into it would hold up a thread for ever.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
// Whoever writes a file in several steps is given time to end.
const SETTLE_MS = 20

class Reader {
  private readonly path: string
  private readonly pollMs: number
  private readonly observer: DiscoveryObserver
  private watcher: FSWatcher | undefined
  private cancel = () => {}
  private isOver = false
  private isReading = false
  private isAskedAgain = false
  // Of the file that was read last: when it was changed, its size and its number. Undefined after a failure.
  private seen: string | undefined

  constructor(path: string, pollMs: number, observer: DiscoveryObserver) {
    this.path = path
    this.pollMs = pollMs
    this.observer = observer
    void this.look()
  }

  close(): void {
    this.isOver = true
    this.cancel()
    this.watcher?.close()
  }

  // Never rejects. One at a time; a change in the middle of it is looked at when it is over.
  private async look(): Promise<void> {
    if (this.isReading) {
      this.isAskedAgain = true
      return
    }
    this.isReading = true
    this.isAskedAgain = false
    this.follow()
    try {
      await this.read()
    } catch (error) {
      this.seen = undefined
      if (!this.isOver) this.observer.failed(error)
    }
    this.isReading = false
    if (!this.isOver) this.lookIn(this.isAskedAgain ? SETTLE_MS : this.pollMs)
  }

  private lookIn(ms: number): void {
    this.cancel()
    this.cancel = this.observer.clock.setTimer(() => void this.look(), ms)
  }

  private async read(): Promise<void> {
    const file = await open(this.path, READ)
    try {
      const info = await file.stat()
      if (!info.isFile()) throw new Error('it is no regular file')
      const { mtimeMs, ctimeMs, size, ino } = info
      if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
      const seen = `${mtimeMs} ${ctimeMs} ${size} ${ino}`
      if (seen === this.seen) return
      const list = parsed(await file.readFile('utf8'))
      if (this.isOver) return
      this.seen = seen
      this.observer.found(list)
    } finally {
      await file.close()
    }
  }

  // The folder, not the file: a file that another one takes the place of is never told of again. Kubernetes swaps a folder
  // behind a link, which shows here as `..data`. And anew for each look: another folder may stand under this name by now.
  private follow(): void {
    const before = this.watcher
    this.watcher = this.watcherOfFolder()
    before?.close()
  }

  private watcherOfFolder(): FSWatcher | undefined {
    try {
      const name = basename(this.path)
      const watcher = watch(dirname(this.path), { persistent: false }, (_, changed) => {
        if (changed !== null && changed !== name && changed !== '..data') return
        if (this.isReading) this.isAskedAgain = true
        else if (!this.isOver) this.lookIn(SETTLE_MS)
      })
      watcher.on('error', () => watcher.close())
      return watcher
    } catch {
      // No such folder yet, or no watches left on this machine: looking now and then does as well.
      return undefined
    }
  }
}

function parsed(text: string): readonly EndpointInit[] {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new Error('it holds no list')
  return list
}
