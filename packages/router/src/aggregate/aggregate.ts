import { type Checks, type Clock, checkOptions, GatewayError, type Handler, options, systemClock } from '@gatelet/core'
import { Gathering } from './gathering.ts'
import type { Part, PartsByName, StateOfParts } from './part.ts'
import { planOf } from './plan.ts'

/** What all parts have in common. */
export interface AggregateOptions {
  /** For the time limits of the parts. Default: the machine's. */
  clock?: Clock
}

const checks: Checks<AggregateOptions> = { clock: options.optional(options.clock) }

/**
 * Several backends in one JSON reply: each part under its name, in the order in which they are given. Parts are asked at the same
 * time, but for those that need the results of others (`after`).
 *
 * A part that fails and is not `optional` makes it a 502 that names the part, and the others are cancelled at once. Without an
 * optional one the reply is marked, `Gatelet-Completed: ?0` and `Gatelet-Missing: news` (RFC 9651), and never stored; a whole one has
 * `Gatelet-Completed: ?1`, and may be stored as long as each of its parts may. A part that is itself marked so counts as missing, and
 * so does what was asked with its result. Where all failed it is a 502, too. What failed is told
 * on `gatelet:part:failed`; clients see nothing of it but the name.
 *
 * Parts answer JSON, without names that come twice, `__proto__`, or more than 100 levels: such a part failed. Numbers are read as
 * JavaScript does, exactly up to 2^53.
 * @param parts 1 to 32, with those that others need. Names are letters, digits, `_` and `-`
 * @throws GatewayError `BAD_OPTION`, also when two parts would stand at one place; when asked, `PART_FAILED`, `UPGRADE_REFUSED`,
 * and what ended the request
 * @example
 * const user = part({ from: proxy(users), request: '/users/:id' })
 * router.get('/home/:id', aggregate({ user, news: part({ from: proxy(news), request: '/news', optional: true }) }))
 */
export function aggregate<S extends object = {}>(
  parts: Readonly<Record<string, Part<unknown, NoInfer<S>>>>,
  options?: AggregateOptions,
): Handler<S>
export function aggregate<E extends PartsByName>(parts: E, options?: AggregateOptions): Handler<StateOfParts<E>>
export function aggregate(parts: PartsByName, options: AggregateOptions = {}): Handler {
  const { clock = systemClock } = checkOptions('aggregate', options, checks)
  const plan = planOf(parts)
  return function aggregate(ctx) {
    if (ctx.request.kind === 'upgrade') throw new GatewayError('UPGRADE_REFUSED', { detail: 'Here is no WebSocket' })
    return new Gathering(ctx, plan, clock).reply()
  }
}
