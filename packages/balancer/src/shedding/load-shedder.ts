import {
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  type Middleware,
  options,
  problem,
  publish,
  type Refusal,
  refusalError,
  systemClock,
} from '@gatelet/core'
import { eventLoopDelay } from './event-loop-delay.ts'
import { Pressure } from './pressure.ts'

/** When requests are shed. */
export interface LoadShedderOptions {
  /** How late the event loop may be, in milliseconds; beyond it the least important requests are refused. Default 100. */
  eventLoopDelayMs?: number
  /** How often that is looked at, in milliseconds. Default 100. */
  intervalMs?: number
  /** How important a request is: a whole number, -10 to 10; higher is shed later. Default: all are 0. */
  priority?: (ctx: Context) => number
  /** Another measure of load, in the same unit: a delay in milliseconds since it was asked last. Default: the event loop's. */
  delay?: () => number
  /** Where time and chance come from. */
  clock?: Clock
}

/** A layer that refuses with 503 while the process is overloaded, and what it goes by, to be shared with balancers. */
export interface LoadShedder extends Middleware {
  /** How much is shed: 0 is nothing, 1 the whole lowest priority, 1.3 also three in ten of the next. */
  readonly pressure: number
  /** @param priority as `LoadShedderOptions.priority` gives it. Default 0 */
  admits(priority?: number): boolean
  /** What who is not admitted is told: to come back in one to three seconds, not all at once. */
  refusal(): Refusal
  /** Ends its measuring; from then on everybody is admitted. */
  close(): void
}

/**
 * Refuses requests while the event loop of this process is late, the least important ones first, so that the others are served
 * in time: an answer that comes too late is work for nothing. Stands in front of anything, as a layer; or in a balancer (`shed`).
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(loadShedder({ priority: (ctx) => (ctx.request.url.path === '/pay' ? 1 : 0) })).to(router)
 */
export function loadShedder(given: LoadShedderOptions = {}): LoadShedder {
  const checked = checkOptions('loadShedder', given, checks)
  const { eventLoopDelayMs = 100, intervalMs = 100, priority = always0, clock = systemClock, delay } = checked
  const pressure = new Pressure(eventLoopDelayMs)
  const meter = delay ? { read: delay, close() {} } : eventLoopDelay()

  const look = () => {
    const delayMs = meter.read()
    if (pressure.look(delayMs)) publish('load:changed', { pressure: pressure.value, delayMs })
    cancel = clock.setTimer(look, intervalMs)
  }
  let cancel = clock.setTimer(look, intervalMs)

  const shedder = {
    get pressure() {
      return pressure.value
    },
    admits: (important = 0) => pressure.admits(important, clock.random()),
    refusal: (): Refusal => ({ reason: 'overloaded', retryAfterMs: 1_000 + clock.random() * 2_000 }),
    close() {
      cancel()
      meter.close()
      pressure.value = 0
    },
  }
  const layer: Middleware = (ctx, next) => (shedder.admits(priority(ctx)) ? next(ctx) : problem(refusalError(shedder.refusal())))
  return Object.defineProperties(layer, Object.getOwnPropertyDescriptors(shedder)) as LoadShedder
}

const always0 = () => 0

const { fn, milliseconds, optional } = options

const checks: Checks<LoadShedderOptions> = {
  eventLoopDelayMs: optional(milliseconds()),
  intervalMs: optional(milliseconds()),
  priority: optional(fn<NonNullable<LoadShedderOptions['priority']>>('a function of the context')),
  delay: optional(fn<() => number>('a function that gives milliseconds')),
  clock: optional(options.clock),
}

/** For options that hold one. */
export const shedder: options.Check<LoadShedder> = (value, path) => {
  if (typeof (value as Partial<LoadShedder> | undefined)?.admits !== 'function')
    throw options.wrong(value, path, 'what loadShedder() makes')
  return value as LoadShedder
}
