import { StatusError } from './http.ts'
import { type Json, objectOf, textOf } from './json.ts'
import { checkCount, type SliceApi } from './slice-api.ts'
import { type SliceReading, sliceEndpoints } from './slices.ts'
import type { DiscoveryObserver } from './source.ts'

/** Keeps the slices of one service as the API tells their changes. */
export class SliceWatch {
  private readonly api: SliceApi
  private readonly observer: DiscoveryObserver
  private readonly reading: SliceReading
  private readonly watchMs: number
  private slices = new Map<string, Json>()
  // Up to which state of the cluster everything is known. Undefined: everything has to be listed.
  private version: string | undefined
  // Something failed since the slices were told: that they still hold has to be told again.
  private isInDoubt = false
  private hasBegun = false

  constructor(api: SliceApi, observer: DiscoveryObserver, reading: SliceReading, watchMs: number) {
    this.api = api
    this.observer = observer
    this.reading = reading
    this.watchMs = watchMs
  }

  /** Lists, if need be, and watches until the watch is over. @returns how long to wait before the next, in milliseconds */
  async look(signal: AbortSignal): Promise<number> {
    this.hasBegun = false
    try {
      if (this.version === undefined) await this.list(signal)
      await this.watch(this.version ?? '', signal)
    } catch (error) {
      this.isInDoubt = true
      // Asked for a state that the cluster no longer remembers, or not let watch at all: the list shows what was missed.
      if (isGone(error) || !this.hasBegun) this.version = undefined
      if (!isGone(error)) throw error
    }
    return PAUSE_MS * (0.5 + this.observer.clock.random())
  }

  private async list(signal: AbortSignal): Promise<void> {
    const { slices, version } = await this.api.list(signal)
    this.slices = new Map(slices.map((slice) => [nameOf(slice), slice]))
    this.version = version
    this.tell()
  }

  private async watch(version: string, signal: AbortSignal): Promise<void> {
    // By chance, so that not all processes ask again at once.
    const watchMs = this.watchMs * (1 + this.observer.clock.random())
    await this.api.watch(version, watchMs, signal, {
      began: () => {
        this.hasBegun = true
        if (this.isInDoubt) this.tell()
      },
      changed: (event) => {
        if (!signal.aborted) this.learn(event)
      },
    })
  }

  private learn({ type, object }: Json): void {
    const slice = objectOf(object)
    if (type === 'ERROR') throw errorOf(slice)
    if (type === 'ADDED' || type === 'MODIFIED') this.slices.set(nameOf(slice), slice)
    else if (type === 'DELETED') this.slices.delete(nameOf(slice))
    else if (type !== 'BOOKMARK') throw new Error('the API told of what is not an event')
    // A change may be less than what the next one needs: that is known only after it was taken over.
    this.version = textOf(objectOf(slice['metadata'])['resourceVersion']) ?? this.version
    if (type !== 'BOOKMARK') this.tell()
  }

  private tell(): void {
    try {
      checkCount(this.slices.size)
      this.observer.found(sliceEndpoints([...this.slices.values()], this.reading))
      this.isInDoubt = false
    } catch (error) {
      // What cannot be used is listed again, and told of as often as it fails.
      this.version = undefined
      throw error
    }
  }
}

// Less than a second, and not all at the same time: a watch that ends at once must not be asked for without end.
const PAUSE_MS = 500

const isGone = (error: unknown): boolean => error instanceof StatusError && error.status === 410

const nameOf = (slice: Json): string => textOf(objectOf(slice['metadata'])['name']) ?? ''

function errorOf(status: Json): Error {
  const code = Number(status['code'])
  return new StatusError(Number.isInteger(code) ? code : 0, new URL('http://kubernetes/watch'))
}
