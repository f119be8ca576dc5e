import { type Context, GatewayError, type Handler, json, type MaybePromise, type Middleware, subscribe } from '@gatelet/core'
import { Ledger } from './ledger.ts'
import { type UsageOptions, usageSettings } from './options.ts'
import { SlidingWindow } from './sliding-window.ts'
import { type UsageSnapshot, usageOf } from './snapshot.ts'
import { WhoAsks } from './who-asks.ts'

/** Who used what lately. It listens until it is closed. */
export interface Usage {
  /** What came lately. It costs as much as there are consumers and routes watched: ask it every second, not for every request. */
  snapshot(): UsageSnapshot
  /** A layer that says who asks, by what layers before it know: `usage.identify((ctx) => ctx.state.tenant)`. */
  identify<S extends object>(consumer: (ctx: Context<S>) => string | undefined): Middleware<S>
  /**
   * Answers with a snapshot as JSON.
   * @param authorize who may see it; everybody else gets 403. `() => true` where a layer in front has decided it
   */
  handler(authorize: (ctx: Context) => MaybePromise<boolean>): Handler
  /** Hands over what is not billed yet, and listens no more. */
  close(): void
}

/**
 * Counts what consumers use, and which routes, in windows that slide: requests, errors, bytes, statuses, latency. It listens to the
 * events of core, for all gateways of this process. Memory is bounded however many consumers there are: those who ask most are
 * watched, all others are one; the sums are exact. For bills, every consumer is counted exactly, and handed over when a time is over.
 * @throws GatewayError `BAD_OPTION`
 * @example usage({ billing: { windowMs: 60_000, onWindow: (record) => bills.insert(record) } })
 */
export function usage(given: UsageOptions = {}): Usage {
  const { consumer, windows, top, watched, billing, clock } = usageSettings(given)
  const sliding = windows.map((window) => new SlidingWindow(window, watched))
  const ledger = billing && new Ledger(billing)
  const who = new WhoAsks(consumer)
  const undo = subscribe('request:finished', ({ context, summary }) => {
    const { status, outcome, durationMs, receivedBytes = 0, sentBytes = 0 } = summary
    // Work in the background and calls of our own have no client.
    if (status === 0) return
    const request = { ...who.of(context), status, outcome, durationMs, receivedBytes, sentBytes }
    ledger?.count(request)
    for (const window of sliding) window.count(request, clock.now())
  })
  const snapshot = (): UsageSnapshot => ({
    at: new Date(clock.date()).toISOString(),
    windows: sliding.map((window) => usageOf(window, clock.now(), top)),
  })
  let isClosed = false
  return {
    snapshot,
    identify: (consumer) => (ctx, next) => {
      who.name(ctx, consumer)
      return next(ctx)
    },
    handler: (authorize) => answering(snapshot, authorize),
    close() {
      if (isClosed) return
      isClosed = true
      undo()
      who.close()
      ledger?.close()
    },
  }
}

function answering(snapshot: () => UsageSnapshot, authorize: (ctx: Context) => MaybePromise<boolean>): Handler {
  if (typeof authorize !== 'function')
    throw new GatewayError('BAD_OPTION', { path: 'authorize', message: 'usage: authorize must be a function of a context' })
  return async function usage(ctx) {
    if ((await authorize(ctx)) !== true) throw new GatewayError('FORBIDDEN')
    const { method } = ctx.request
    if (method !== 'GET' && method !== 'HEAD') throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'GET, HEAD' } })
    return json(snapshot(), { headers: { 'cache-control': 'no-store' } })
  }
}
