import type { RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { memoryRateStore } from '@gatelet/rate-limiter'
import { type VirtualClock, virtualClock } from '@gatelet/testing'

/** A store with one mistake. */
export interface BrokenRateStore {
  readonly make: (clock: VirtualClock) => RateStore
  /** The case that is about its mistake, and what that says. Others may fail too. */
  readonly failsBy: string
  readonly saying: RegExp
}

/** A right store, with some of it replaced. */
function broken(change: (store: ReturnType<typeof memoryRateStore>, clock: VirtualClock) => Partial<RateStore>) {
  return (clock: VirtualClock = virtualClock()): RateStore => {
    const store = memoryRateStore({ clock })
    return { take: (requests) => store.take(requests), give: (requests) => store.give(requests), ...change(store, clock) }
  }
}

/** Changes requests on their way to a right store. */
const asking = (change: (request: RateRequest) => RateRequest) =>
  broken((store) => ({
    take: (requests) => store.take(requests.map(change)),
    give: (requests) => store.give(requests.map(change)),
  }))

/** Changes verdicts on their way back from one. */
const answering = (change: (verdict: RateVerdict, request: RateRequest, all: readonly RateVerdict[]) => RateVerdict) =>
  broken((store) => ({
    take(requests) {
      const verdicts = store.take(requests)
      return verdicts.map((verdict, at) => change(verdict, requests[at] as RateRequest, verdicts))
    },
  }))

const named = (request: RateRequest, name: string): RateRequest => ({ ...request, rule: { ...request.rule, name } })

export const brokenRateStores: Readonly<Record<string, BrokenRateStore>> = {
  takesOneByOne: {
    make: broken((store) => ({ take: (requests) => requests.map((request) => store.take([request])[0] as RateVerdict) })),
    failsBy: 'takes from every rule, or from none when one has not enough',
    saying: /after 1 refusals by another rule, 3 of 5 were left instead of 4/,
  },
  saysTheWholeOfEach: {
    make: answering((verdict, _, all) => (all.every(({ allowed }) => allowed) ? verdict : { ...verdict, allowed: false })),
    failsBy: 'answers in the order of the requests, whichever rule refuses',
    saying: /false,\s+-\s+true|Expected values to be strictly deep-equal/,
  },
  joinsNamesAndKeys: {
    make: asking((request) => ({ ...named(request, ''), key: `${request.rule.name}:${request.key}` })),
    failsBy: 'does not take the end of a name for the beginning of a key',
    saying: /the rule x:case-[\d-]+q was counted with another one/,
  },
  cutsKeys: {
    make: asking((request) => ({ ...request, key: request.key.slice(0, 64) })),
    failsBy: 'counts keys apart, and rules of the same key, whatever is in their names',
    saying: /was counted with another one/,
  },
  looksBeforeItTakes: {
    make: broken((store) => ({
      async take(requests) {
        const looked = store.take(requests)
        if (looked.every(({ allowed }) => allowed))
          store.give(requests.map((request, at) => ({ ...request, stamp: looked[at]?.stamp })))
        await Promise.resolve()
        if (looked.every(({ allowed }) => allowed))
          for (const request of requests) store.give([{ ...request, cost: -request.cost }])
        return looked
      },
    })),
    failsBy: 'admits no more than there is when many ask at the same time',
    saying: /gcra: 50 of 50 passed instead of 10/,
  },
  countsRequests: {
    make: asking((request) => ({ ...request, cost: Math.sign(request.cost) })),
    failsBy: 'counts costs, also fractions, and takes nothing for a cost of 0',
    saying: /what was left after each cost/,
  },
  saysWhenForWhatIsNever: {
    make: answering((verdict) => ({ ...verdict, retryAfterMs: Math.min(verdict.retryAfterMs, 1_000) })),
    failsBy: 'never has what costs more than there ever is',
    saying: /gcra/,
  },
  startsAgainWithNewNumbers: {
    make: asking((request) => named(request, `${request.rule.name} ${request.rule.limit}`)),
    failsBy: 'goes on counting when the numbers of a rule change',
    saying: /remaining/,
  },
  refillsAtOnce: {
    make: asking((request) => {
      const { rule } = request
      return rule.algorithm === 'gcra'
        ? {
            ...request,
            rule: { algorithm: 'fixed', name: rule.name, limit: rule.burst, windowMs: (rule.windowMs / rule.limit) * rule.burst },
          }
        : request
    }),
    failsBy: 'gcra: admits the burst at once, then one unit for each interval',
    saying: /retryAfterMs is 20000 ms instead of 5000/,
  },
  forgetsTheWindowBefore: {
    make: asking((request) =>
      request.rule.algorithm === 'sliding' ? { ...request, rule: { ...request.rule, algorithm: 'fixed' } } : request,
    ),
    failsBy: 'sliding: counts the part of the window before that is still covered',
    saying: /were left at the beginning of a window, after one that was used up/,
  },
  countsRefusals: {
    make: broken((store) => ({
      take(requests) {
        const verdicts = store.take(requests)
        if (!verdicts.every(({ allowed }) => allowed))
          store.give(requests.map((request) => ({ ...request, cost: -request.cost })))
        return verdicts
      },
    })),
    failsBy: 'counts nothing of a refusal: who asks on waits no longer',
    saying: /refusals the wait is \d+ ms/,
  },
  ignoresStamps: {
    make: asking(({ stamp: _, ...request }) => request),
    failsBy: 'leaves no more than if it had never been taken, when what is given back is long over',
    saying: /gcra: what had refilled was given a second time/,
  },
  fillsBeyondFull: {
    make: broken((store) => {
      const extra = new Map<string, number>()
      return {
        take(requests) {
          const verdicts = store.take(requests)
          const [request] = requests
          const left = request ? (extra.get(request.key) ?? 0) : 0
          if (!request || verdicts.length > 1 || verdicts[0]?.allowed || left < request.cost) return verdicts
          extra.set(request.key, left - request.cost)
          return verdicts.map((verdict) => ({ ...verdict, allowed: true, retryAfterMs: 0 }))
        },
        give(requests) {
          for (const { key, cost } of requests) if (cost > 10) extra.set(key, cost)
          store.give(requests)
        },
      }
    }),
    failsBy: 'takes back what it is given, and is never fuller than full',
    saying: /gcra: more was given back than there ever is/,
  },
  asksBeforeADebt: {
    make: broken((store) => ({
      give(requests) {
        for (const request of requests) {
          if (request.cost < 0) store.take([{ ...request, cost: -request.cost }])
          else store.give([request])
        }
      },
    })),
    failsBy: 'takes more, without asking, where a negative cost is given',
    saying: /more was taken than there is/,
  },
  freesAnySlot: {
    make: broken((store) => {
      const held: string[] = []
      return {
        take(requests) {
          const verdicts = store.take(requests)
          if (verdicts.every(({ allowed }) => allowed)) for (const { lease } of requests) if (lease) held.push(lease)
          return verdicts
        },
        give: (requests) =>
          store.give(requests.map((request) => (request.lease ? { ...request, lease: held.shift() ?? request.lease } : request))),
      }
    }),
    failsBy: 'concurrency: frees one slot for a lease, however often it is given back',
    saying: /slots that were free after one of two leases had ended/,
  },
  countsRenewals: {
    make: broken((store) => {
      let more = 0
      const another = (request: RateRequest) => (request.lease ? { ...request, lease: `${request.lease}.${more++}` } : request)
      return { take: (requests) => store.take(requests.map(another)) }
    }),
    failsBy: 'concurrency: counts a lease once that is taken again, and always lets it have its slot',
    saying: /a lease that is held already/,
  },
  neverEndsWindows: {
    make: asking((request) =>
      request.rule.algorithm === 'fixed' ? { ...request, rule: { ...request.rule, windowMs: 1e9 } } : request,
    ),
    failsBy: 'fixed: begins a window with the first unit, and another when that is over',
    saying: /retryAfterMs is \d+ ms instead of 6000/,
  },
  refillsALittleMore: {
    make: asking((request) =>
      request.rule.algorithm === 'gcra' ? { ...request, rule: { ...request.rule, burst: request.rule.burst + 1 } } : request,
    ),
    failsBy: 'gcra: is full again after the burst has refilled, and never fuller',
    saying: /4 !== 3/,
  },
  keepsSlotsOfTheRefused: {
    make: broken((store) => ({
      take(requests) {
        const verdicts = store.take(requests)
        if (verdicts.some(({ allowed }) => !allowed)) store.take(requests.filter(({ lease }) => lease !== undefined))
        return verdicts
      },
    })),
    failsBy: 'concurrency: holds no slot for a request that another rule refuses',
    saying: /the slot of who was refused by another rule/,
  },
  hasOneSlotTooMany: {
    make: asking((request) =>
      request.rule.algorithm === 'concurrency'
        ? { ...request, rule: { ...request.rule, limit: request.rule.limit + 1 } }
        : request,
    ),
    failsBy: 'concurrency: has so many slots, and one more for each that is given back',
    saying: /2 !== 1/,
  },
  takesMonthsForHours: {
    make: answering((verdict, { rule }) =>
      rule.algorithm === 'calendar' ? { ...verdict, resetMs: verdict.resetMs * 1_000 } : verdict,
    ),
    failsBy: 'calendar: counts until the day, the week or the month is over, in UTC',
    saying: /day: more is left in \d+ ms/,
  },
}
