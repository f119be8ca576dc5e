import { type Clock, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import { Memo } from '../policy/memo.ts'
import type { StoredMeta } from '../policy/types.ts'
import type { CacheStore, EntryWriter, PurgeSelector, StoredEntry } from '../store.ts'

/** What a store was asked for. */
export type StoreOperation = 'get' | 'body' | 'open' | 'write' | 'commit' | 'touch' | 'purge'

/**
 * A store that is not trusted: it has a deadline, and whatever it throws, or gives of a wrong shape, is told of and stands for
 * nothing.
 */
export class GuardedStore {
  private readonly store: CacheStore
  private readonly timeoutMs: number
  private readonly clock: Clock
  private readonly failed: (operation: StoreOperation, error: unknown) => void

  constructor(store: CacheStore, timeoutMs: number, clock: Clock, failed: (operation: StoreOperation, error: unknown) => void) {
    this.store = store
    this.timeoutMs = timeoutMs
    this.clock = clock
    this.failed = failed
  }

  /** What is stored under a key; undefined when that cannot be found out. */
  get(key: string): MaybePromise<readonly StoredEntry[] | undefined> {
    const options = new Waiting()
    try {
      const found = this.store.get(key, options)
      if (!isPromise(found)) return this.checked(key, found)
      return this.inTime('get', found, () => options.end()).then((entries) => entries && this.checked(key, entries))
    } catch (error) {
      this.failed('get', error)
      return undefined
    }
  }

  open(key: string, variant: string, meta: StoredMeta): EntryWriter | undefined {
    try {
      return this.store.open(key, variant, meta)
    } catch (error) {
      this.failed('open', error)
      return undefined
    }
  }

  /** @returns whether to go on */
  write(writer: EntryWriter, chunk: Uint8Array): boolean {
    try {
      return writer.write(chunk) === true
    } catch (error) {
      this.failed('write', error)
      return false
    }
  }

  /**
   * The body is on its way, and nobody waits for it to arrive; but what others may join must not stay for a store that hangs.
   * @returns whether it is stored
   */
  async commit(writer: EntryWriter, timeoutMs: number): Promise<boolean> {
    try {
      const done = writer.commit()
      return (isPromise(done) ? await this.inTime('commit', done, undefined, timeoutMs) : done) === true
    } catch (error) {
      this.failed('commit', error)
      return false
    }
  }

  abort(writer: EntryWriter): void {
    try {
      writer.abort()
    } catch (error) {
      this.failed('write', error)
    }
  }

  /** Nobody waits for it: what it does shows at the next look. */
  touch(key: string, entry: StoredEntry, meta: StoredMeta): void {
    this.quietly('touch', () => this.store.touch(key, entry, meta))
  }

  /** @returns undefined when it could not be done in time */
  async purge(selector: PurgeSelector): Promise<number | undefined> {
    try {
      return await this.inTime('purge', Promise.resolve(this.store.purge(selector)))
    } catch (error) {
      this.failed('purge', error)
      return undefined
    }
  }

  private quietly(operation: StoreOperation, work: () => MaybePromise<unknown>): void {
    try {
      const done = work()
      if (isPromise(done)) void done.then(undefined, (error: unknown) => this.failed(operation, error))
    } catch (error) {
      this.failed(operation, error)
    }
  }

  private inTime<T>(
    operation: StoreOperation,
    answer: Promise<T>,
    onLate?: () => void,
    timeoutMs: number = this.timeoutMs,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      let isLate = false
      const cancel = this.clock.setTimer(() => {
        isLate = true
        this.failed(operation, new GatewayError('STORE_TIMEOUT'))
        onLate?.()
        resolve(undefined)
      }, timeoutMs)
      answer.then(
        (value) => {
          cancel()
          resolve(value)
        },
        (error: unknown) => {
          cancel()
          // What comes after the deadline was told already, as that.
          if (!isLate) this.failed(operation, error)
          resolve(undefined)
        },
      )
    })
  }

  private checked(key: string, entries: readonly StoredEntry[]): readonly StoredEntry[] | undefined {
    if (Array.isArray(entries) && entries.every((entry) => isEntry(entry, key))) return entries
    this.failed('get', new GatewayError('INTERNAL', { message: 'the store gave what is no list of entries of this key' }))
    return undefined
  }
}

/** Somebody waits for an answer. The signal is made only when the store looks at it: most answer at once. */
class Waiting {
  private aborter: AbortController | undefined

  get signal(): AbortSignal {
    this.aborter ??= new AbortController()
    return this.aborter.signal
  }

  end(): void {
    this.aborter?.abort()
  }
}

// Looked at once: most of them are seen again and again.
const known = new Memo<StoredMeta, string>()

function isEntry(entry: Partial<StoredEntry> | null | undefined, key: string): boolean {
  const meta = entry?.meta
  if (typeof entry?.body !== 'function' || typeof meta !== 'object' || meta === null) return false
  if (known.get(meta) === key) return true
  // Never the reply of another resource, whatever a store has mixed up.
  const isOfKey = hasShape(meta) && resourceOf(meta.url) === resourceOf(key)
  if (isOfKey) known.set(meta, key)
  return isOfKey
}

// What of a query matters, and who asks, only the key says.
const resourceOf = (url: string): string => url.slice(0, url.search(/[? ]|$/))

function hasShape(meta: Partial<StoredMeta>): boolean {
  const { url, status, headers, requestHeaders, requestTimeMs, responseTimeMs, bodyBytes, tags } = meta
  const areTimes = Number.isFinite(requestTimeMs) && Number.isFinite(responseTimeMs)
  const isStatus = Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599
  const isLength = bodyBytes === undefined || (Number.isInteger(bodyBytes) && bodyBytes >= 0)
  const isList = Array.isArray(headers) && headers.length % 2 === 0 && headers.every((text) => typeof text === 'string')
  const isVary = typeof requestHeaders === 'object' && requestHeaders !== null
  return typeof url === 'string' && isStatus && areTimes && isLength && isList && isVary && Array.isArray(tags)
}
