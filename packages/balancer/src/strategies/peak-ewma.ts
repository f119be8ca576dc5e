import { type Checks, checkOptions, type Endpoint, options, type PickContext, type StrategyFactory } from '@gatelet/core'
import { Draw } from './draw.ts'
import { LatencyBook } from './latency-book.ts'
import { weighted } from './weights.ts'

/** How `peakEwma` remembers latencies. */
export interface PeakEwmaOptions {
  /** In how many milliseconds what is known fades to 1/e, 1 to about 24 days. Default 10,000. */
  decayMs?: number
  /**
   * Which latency a failure counts as, at least, in milliseconds, 0 to about 24 days: more than any answer should take.
   * Default 5,000.
   */
  penaltyMs?: number
}

/**
 * Draws two different endpoints, as `twoChoices` does, and picks the one from which an answer is to be expected sooner, by
 * latency × (requests in flight + 1) / weight. The latency is that to the response's headers, so that long streams and
 * WebSockets do not count as slow. It is a moving average that jumps to each new peak (Finagle's Peak EWMA): one slow answer
 * is enough to be careful, and trust comes back with time.
 *
 * - **Idle** endpoints are slowly forgiven: their latency fades to 1/e in each `decayMs`, so that they are tried again. Not
 *   while a request is on its way to them: so it is tried by one, and not by all that come before that one's answer.
 * - **Failures**, and answers of 429 or 5xx, count as `penaltyMs`, or as the server's `Retry-After` (five minutes at most):
 *   else an endpoint that fails at once would look like the fastest of all. They are averaged in by time and are no
 *   peak, unlike `Retry-After`: a failure now and then, which every application has, must not empty an endpoint for a minute.
 * - **New** endpoints get one request at a time, until the first answer.
 *
 * Two are drawn rather than the best of all picked, because latencies are old news: between one answer and the next, the
 * best of all would get every request.
 * @throws GatewayError `BAD_OPTION`
 */
export function peakEwma(given: PeakEwmaOptions = {}): StrategyFactory {
  const { decayMs = 10_000, penaltyMs = 5_000 } = checkOptions('peakEwma', given, checks)
  return ({ now, random }) => {
    const book = new LatencyBook({ now, decayMs, penaltyMs })
    let endpoints: readonly Endpoint[] = []
    let draw = new Draw(endpoints, random)
    return {
      update(snapshot) {
        endpoints = weighted(snapshot)
        book.update(endpoints)
        draw = new Draw(endpoints, random)
      },
      pick(context) {
        const first = draw.one()
        const second = draw.another(first)
        const isFirst = isAccepted(endpoints[first], context)
        const isSecond = isAccepted(endpoints[second], context)
        if (isFirst && isSecond) return endpoints[book.isBetter(second, first) ? second : first]
        if (isFirst) return endpoints[first]
        if (isSecond) return endpoints[second]
        // Both refused: look at all once, so that a pick is found when there is one.
        return endpoints[bestOf(endpoints, book, context)]
      },
      report: (endpoint, outcome) => book.learn(endpoint, outcome),
      explain: (context) =>
        endpoints.flatMap((endpoint, at) => (context.accepts(endpoint) ? [{ id: endpoint.id, score: book.load(at) }] : [])),
    }
  }
}

const isAccepted = (endpoint: Endpoint | undefined, context: PickContext): boolean =>
  endpoint !== undefined && context.accepts(endpoint)

function bestOf(endpoints: readonly Endpoint[], book: LatencyBook, context: PickContext): number {
  let best = -1
  for (let at = 0; at < endpoints.length; at++) {
    if (!context.accepts(endpoints[at] as Endpoint)) continue
    if (best < 0 || book.isBetter(at, best)) best = at
  }
  return best
}

const checks: Checks<PeakEwmaOptions> = {
  decayMs: options.optional(options.milliseconds()),
  penaltyMs: options.optional(options.milliseconds(0)),
}
