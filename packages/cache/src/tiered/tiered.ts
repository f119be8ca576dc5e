import { type Check, type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { CacheStore } from '../store.ts'
import type { PurgeChannel } from './purge-channel.ts'
import { TwoTiers } from './two-tiers.ts'

/** How a near and a far store go together. */
export interface TieredOptions {
  /** Tells of purges by other processes, and them of those here. Without it, what is near goes by `nearMs`. */
  channel?: PurgeChannel
  /**
   * How long a copy in the near store is used while purges by other processes cannot be heard, in milliseconds: without a
   * channel always, with one while it is cut. So long may what was purged elsewhere still be sent. Default: 10,000.
   */
  nearMs?: number
  /** Default: the machine's. */
  clock?: Clock
}

/**
 * Two stores as one: asks the near one, then the far one, whose replies it keeps near as they are read. Writes and purges go to
 * both. When messages of the channel may have been lost, the near store is emptied.
 *
 * What the far store has of a key whose replies vary is remembered for a second, of at most 1,000 keys, so that a variant that
 * is not near is found there. Close it to close both.
 * @throws GatewayError `BAD_OPTION`
 * @example tiered(memoryCacheStore({ maxBytes: 64 * 1024 ** 2 }), redisCacheStore(client), { channel })
 */
export function tiered(near: CacheStore, far: CacheStore, given: TieredOptions = {}): CacheStore {
  const checked = checkOptions('tiered', { ...given, near, far }, checks)
  return new TwoTiers({
    near: checked.near,
    far: checked.far,
    channel: checked.channel,
    nearMs: checked.nearMs ?? 10_000,
    clock: checked.clock ?? systemClock,
  })
}

interface Given extends TieredOptions {
  readonly near: CacheStore
  readonly far: CacheStore
}

const { clock, milliseconds, optional, wrong } = options

const withMethods =
  <T>(what: string, ...methods: readonly (keyof T)[]): Check<T> =>
  (value, path) => {
    const has = (method: keyof T) => typeof (value as Partial<T> | null | undefined)?.[method] === 'function'
    if (!methods.every(has)) throw wrong(value, path, what)
    return value as T
  }

const store = withMethods<CacheStore>('a store, with get, open, touch and purge', 'get', 'open', 'touch', 'purge')

const checks: Checks<Given> = {
  near: store,
  far: store,
  channel: optional(withMethods<PurgeChannel>('a channel, with publish and subscribe', 'publish', 'subscribe')),
  nearMs: optional(milliseconds()),
  clock: optional(clock),
}
