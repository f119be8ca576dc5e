import { type Checks, checkOptions, options } from '@gatelet/core'
import type { EndpointInit } from '../endpoint-options.ts'
import { rounds } from './rounds.ts'
import type { DiscoveryObserver, DiscoverySource } from './source.ts'

/** Whole lists, one after another, each as soon as something changed. */
export type EndpointLists = AsyncIterable<readonly EndpointInit[]>

/** How lists of one's own are followed. */
export interface IterableOptions {
  /** For events, warnings and `status`. Default `iterable`. */
  name?: string
  /** The longest wait before the next try after a failure, in milliseconds, at least 1. Default 30,000. */
  maxRetryMs?: number
}

/**
 * A source out of anything that can say its list: a database, a queue, another registry. The function is called when a balancer
 * begins, and again after it threw; the signal ends what it waits for. Where it returns, its last list holds for good.
 * An async iterable alone serves one balancer, and is not begun again after a failure.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * fromIterable(async function* (signal) {
 *   while (true) {
 *     yield await serversFromDatabase()
 *     await setTimeout(5_000, undefined, { signal, ref: false })
 *   }
 * })
 */
export function fromIterable(
  lists: EndpointLists | ((signal: AbortSignal) => EndpointLists),
  given: IterableOptions = {},
): DiscoverySource {
  const { name = 'iterable', maxRetryMs = 30_000 } = checkOptions('fromIterable', given, checks)
  const isFunction = typeof lists === 'function'
  if (!isFunction && !isIterable(lists)) throw options.wrong(lists, 'lists', 'an async iterable, or a function that makes one')
  return {
    name,
    watch(observer) {
      let hasBegun = false
      return rounds(observer, maxRetryMs, async (signal) => {
        if (hasBegun && !isFunction) return FOR_GOOD
        hasBegun = true
        await follow(isFunction ? lists(signal) : lists, observer, signal)
        return FOR_GOOD
      })
    },
  }
}

/** Lists without a function around them, by their shape. */
export function isIterable(value: unknown): value is EndpointLists {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<EndpointLists>)[Symbol.asyncIterator] === 'function'
  )
}

const FOR_GOOD = Number.POSITIVE_INFINITY

const checks: Checks<IterableOptions> = {
  name: options.optional(options.string),
  maxRetryMs: options.optional(options.milliseconds()),
}

async function follow(lists: EndpointLists, observer: DiscoveryObserver, signal: AbortSignal): Promise<void> {
  const iterator = lists[Symbol.asyncIterator]()
  while (!signal.aborted) {
    const step = await untilAborted(iterator.next(), signal)
    if (step === undefined) break
    if (step.done) return
    observer.found(step.value)
    // A turn of the event loop: one that yields without ever waiting would stop the process.
    await new Promise((resolve) => setImmediate(resolve))
  }
  // It may hang in an await that knows no signal: it is told to end, and nobody waits for it.
  Promise.resolve(iterator.return?.()).catch(() => {})
}

// Not `Promise.race` with one promise for the end: it would remember every list that was waited for.
function untilAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
    Promise.resolve(waiting)
      .finally(() => signal.removeEventListener('abort', stop))
      .then(resolve, reject)
  })
}
