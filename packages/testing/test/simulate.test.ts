import { leastRequests, random, roundRobin, twoChoices } from '@gatelet/balancer'
import type { Endpoint, Outcome, PickContext, StrategyFactory } from '@gatelet/core'
import { type SimulateOptions, type Simulation, simulate } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** The first that may be picked; what it saw is for the test. */
function first(
  seen: { outcomes: [string, Outcome][]; contexts: Pick<PickContext, 'attempt' | 'hashKey'>[] } = { outcomes: [], contexts: [] },
): StrategyFactory {
  return () => {
    let endpoints: readonly Endpoint[] = []
    return {
      update(snapshot) {
        endpoints = snapshot
      },
      pick(context) {
        seen.contexts.push({ attempt: context.attempt, hashKey: context.hashKey })
        return endpoints.find((endpoint) => context.accepts(endpoint))
      },
      report: ({ id }, outcome) => void seen.outcomes.push([id, outcome]),
    }
  }
}

const ten = { kind: 'constant', meanMs: 10 } as const

describe('what can be counted by hand', () => {
  test('requests wait for a worker in the order in which they came', () => {
    const { latencyMs, maxInflight, durationMs } = simulate({
      endpoints: 1,
      arrivals: [0, 0, 5, 100],
      serviceTimes: ten,
      strategy: first(),
    })
    // 10, then 20 behind the first, then 25 behind the second, then 10 again.
    expect(latencyMs).toEqual({ mean: 16.25, p50: 10, p90: 25, p99: 25, p999: 25, max: 25 })
    expect([maxInflight, durationMs]).toEqual([3, 110])
  })

  test('two workers work at once, and a slow server takes longer', () => {
    const at = (endpoint: object) =>
      simulate({ endpoints: [endpoint], arrivals: [0, 0, 0], serviceTimes: ten, strategy: first() }).latencyMs.mean
    expect(at({ workers: 2 })).toBeCloseTo((10 + 10 + 20) / 3)
    expect(at({ slowness: 3 })).toBeCloseTo((30 + 60 + 90) / 3)
  })

  test('a server that is down refuses after 1 ms and loses what it has', () => {
    const seen = { outcomes: [] as [string, Outcome][], contexts: [] }
    const { failures, endpoints, latencyMs } = simulate({
      endpoints: 1,
      // Worked on and waiting when it goes down, while it is down, when it is back.
      arrivals: [0, 0, 6, 20],
      serviceTimes: ten,
      strategy: first(seen),
      faults: [{ endpoint: 'e0', kind: 'down', fromMs: 5, toMs: 15 }],
    })
    expect([failures, endpoints[0]?.failures, latencyMs.mean]).toEqual([3, 3, 10])
    expect(seen.outcomes.map(([, { kind, latencyMs, status }]) => [kind, latencyMs, status])).toEqual([
      ['failure', 5, undefined],
      ['failure', 5, undefined],
      ['failure', 1, undefined],
      ['success', 10, 200],
    ])
  })

  test('a server with errors answers 500 after 1 ms, to what it begins meanwhile', () => {
    const seen = { outcomes: [] as [string, Outcome][], contexts: [] }
    simulate({
      endpoints: 1,
      arrivals: [0, 0, 40],
      serviceTimes: ten,
      strategy: first(seen),
      faults: [{ endpoint: 'e0', kind: 'error', fromMs: 5, toMs: 30 }],
    })
    expect(seen.outcomes.map(([, { latencyMs, status }]) => [latencyMs, status])).toEqual([
      [10, 200],
      [11, 500],
      [10, 200],
    ])
  })

  test('a server that is slow for a while is as fast as before afterwards', () => {
    const { latencyMs } = simulate({
      endpoints: 1,
      arrivals: [0, 50, 200],
      serviceTimes: ten,
      strategy: first(),
      faults: [
        { endpoint: 'e0', kind: 'slow', fromMs: 40, toMs: 60, factor: 3 },
        { endpoint: 'e0', kind: 'slow', fromMs: 45, toMs: 55 },
      ],
    })
    // 10, then 10 times 3 times 10, then 10: it waits for the second until 350.
    expect([latencyMs.p50, latencyMs.max]).toEqual([160, 300])
  })

  test('a request that failed is sent to another endpoint, and to the same one again when all were tried', () => {
    const seen = { outcomes: [] as [string, Outcome][], contexts: [] as Pick<PickContext, 'attempt' | 'hashKey'>[] }
    const { failures, endpoints, latencyMs } = simulate({
      endpoints: 2,
      arrivals: [0],
      serviceTimes: ten,
      strategy: first(seen),
      retries: 3,
      hashKey: (request) => `key ${request}`,
      faults: [
        { endpoint: 'e0', kind: 'down', fromMs: 0, toMs: 2 },
        { endpoint: 'e1', kind: 'down', fromMs: 0 },
      ],
    })
    expect(seen.outcomes.map(([id]) => id)).toEqual(['e0', 'e1', 'e0'])
    expect(seen.contexts).toEqual([0, 1, 2].map((attempt) => ({ attempt, hashKey: 'key 0' })))
    expect([failures, endpoints.map(({ attempts }) => attempts), latencyMs.max]).toEqual([0, [2, 1], 12])
  })

  test('a weight of 0 gets nothing, and where there is nobody else requests fail', () => {
    const run = (endpoints: SimulateOptions['endpoints']) =>
      simulate({ endpoints, arrivals: [0, 1], serviceTimes: ten, strategy: first() })
    expect(run([{ weight: 0 }, {}]).endpoints.map(({ share }) => share)).toEqual([0, 1])
    const { failures, latencyMs, endpoints } = run([{ weight: 0 }])
    expect([failures, latencyMs.max, endpoints[0]?.share]).toEqual([2, 0, 0])
  })

  test('a strategy sees what it is told of an endpoint, and how many requests are there', () => {
    const seen: unknown[] = []
    simulate({
      endpoints: [{ id: 'a', weight: 3, metadata: { zone: 'eu' } }],
      arrivals: [0, 1, 30],
      serviceTimes: ten,
      strategy: ({ now }) => {
        let list: readonly Endpoint[] = []
        return {
          update(snapshot) {
            list = snapshot
          },
          pick() {
            const [{ id, weight, inflight, metadata } = {} as Endpoint] = list
            seen.push([now(), id, weight, inflight, metadata])
            return list[0]
          },
        }
      },
    })
    expect(seen).toEqual([0, 1, 30].map((now, at) => [now, 'a', 3, [0, 1, 0][at], { zone: 'eu' }]))
  })

  test('a strategy that picks who may not be picked is stopped', () => {
    const stranger: Endpoint = { id: 'x', weight: 1, inflight: 0, metadata: {} }
    const strategy: StrategyFactory = () => ({ update() {}, pick: () => stranger })
    expect(() => simulate({ endpoints: 1, arrivals: [0], serviceTimes: ten, strategy })).toThrow(
      'the strategy picked x, which may not be picked',
    )
  })
})

describe('what is known', () => {
  const within = (found: number, expected: number, share: number) =>
    expect(Math.abs(found - expected) / expected, `${found} instead of ${expected}`).toBeLessThan(share)
  const one = (options: Partial<SimulateOptions>) =>
    simulate({
      endpoints: 1,
      arrivals: { perSecond: 50, requests: 400_000 },
      serviceTimes: { meanMs: 10 },
      strategy: random,
      ...options,
    })

  test('M/M/1: the time in the system is exponential with mean 1 / (μ - λ)', () => {
    const { latencyMs } = one({})
    within(latencyMs.mean, 20, 0.03)
    for (const [found, share] of [
      [latencyMs.p50, 0.5],
      [latencyMs.p90, 0.9],
      [latencyMs.p99, 0.99],
    ] as const) {
      within(found, -Math.log(1 - share) * 20, 0.05)
    }
  })

  test('M/D/1: half the waiting (Pollaczek and Khinchine)', () => {
    within(one({ serviceTimes: ten }).latencyMs.mean, 10 + 5, 0.03)
  })

  test('M/M/2: one queue for two workers (Erlang C)', () => {
    within(one({ endpoints: [{ workers: 2 }], arrivals: { perSecond: 100, requests: 400_000 } }).latencyMs.mean, 10 / 0.75, 0.03)
  })

  test('chance alone splits ten servers at 90 % into ten M/M/1', () => {
    const { latencyMs, endpoints } = one({ endpoints: 10, arrivals: { perSecond: 900, requests: 1_000_000 } })
    within(latencyMs.mean, 100, 0.06)
    for (const { share } of endpoints) within(share, 0.1, 0.02)
  })

  test.each([
    [10, 3],
    [100, 4],
    [1_000, 4],
  ])(
    '%i requests to as many servers: two choices give nobody more than %i, and chance alone gives somebody more',
    (count, most) => {
      const busiest = (strategy: StrategyFactory) => {
        const { endpoints } = one({ endpoints: count, arrivals: new Array<number>(count).fill(0), serviceTimes: ten, strategy })
        return Math.max(...endpoints.map(({ maxInflight }) => maxInflight))
      }
      expect(busiest(twoChoices)).toBeLessThanOrEqual(most)
      expect(busiest(random)).toBeGreaterThan(busiest(twoChoices))
    },
  )

  test('one of ten servers ten times slower: who sees load keeps away from it, who takes turns drowns it', () => {
    const mean = (strategy: StrategyFactory) =>
      one({
        endpoints: [{ slowness: 10 }, ...new Array<object>(9).fill({})],
        // 70 % of what all together can do.
        arrivals: { perSecond: 637, requests: 300_000 },
        strategy,
      }).latencyMs.mean / 10
    within(mean(leastRequests), 1.4, 0.1)
    within(mean(twoChoices), 2.2, 0.1)
    expect(mean(roundRobin)).toBeGreaterThan(1_000)
  })
})

describe('the same seed', () => {
  const options: SimulateOptions = {
    endpoints: [{}, { slowness: 2 }, { workers: 3 }],
    arrivals: { perSecond: 200, requests: 20_000 },
    serviceTimes: { meanMs: 10 },
    strategy: twoChoices,
    retries: 1,
    faults: [
      { endpoint: 'e0', kind: 'down', fromMs: 10_000, toMs: 20_000 },
      { endpoint: 'e1', kind: 'error', fromMs: 15_000, toMs: 30_000 },
    ],
  }

  test('gives the same result, another seed another', () => {
    expect(simulate(options)).toEqual(simulate(options))
    expect(simulate({ ...options, seed: 2 })).not.toEqual(simulate(options))
  })

  test('sends the same requests, whatever the strategy', () => {
    const run = (strategy: StrategyFactory): Simulation => simulate({ ...options, endpoints: 1, faults: [], strategy })
    expect(run(twoChoices).latencyMs).toEqual(run(roundRobin).latencyMs)
  })
})

test('whatever happens, each request ends once and nothing stays in flight', () => {
  const fault = fc.record({
    endpoint: fc.constantFrom('e0', 'e1', 'e2'),
    kind: fc.constantFrom('down' as const, 'slow' as const, 'error' as const),
    fromMs: fc.nat(400),
    lasts: fc.integer({ min: 1, max: 400 }),
  })
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 6 }), fc.nat(3), fc.nat(), (faults, retries, seed) => {
      let list: readonly Endpoint[] = []
      const strategy: StrategyFactory = (env) => {
        const inner = roundRobin(env)
        return {
          update(snapshot) {
            list = snapshot
            inner.update(snapshot)
          },
          pick: (context) => inner.pick(context),
        }
      }
      const { requests, failures, endpoints, durationMs } = simulate({
        endpoints: [{}, { workers: 3 }, { slowness: 4 }],
        arrivals: { perSecond: 400, requests: 200 },
        serviceTimes: { meanMs: 8 },
        strategy,
        retries,
        seed,
        faults: faults.map(({ lasts, ...fault }) => ({ ...fault, toMs: fault.fromMs + lasts })),
      })
      const attempts = endpoints.reduce((sum, endpoint) => sum + endpoint.attempts, 0)
      const failed = endpoints.reduce((sum, endpoint) => sum + endpoint.failures, 0)
      expect(requests).toBe(200)
      // Every attempt failed or answered a request.
      expect(attempts - failed).toBe(requests - failures)
      expect(attempts).toBeLessThanOrEqual(requests * (retries + 1))
      expect(list.map(({ inflight }) => inflight)).toEqual([0, 0, 0])
      expect(durationMs).toBeGreaterThan(0)
    }),
    { seed: 11, numRuns: 200 },
  )
})

// Half a second to a second where this was written; the time limit is ten times the five that are promised.
test('a million requests are simulated in seconds', () => {
  const { requests, failures } = simulate({
    endpoints: 10,
    arrivals: { perSecond: 900, requests: 1_000_000 },
    serviceTimes: { meanMs: 10 },
    strategy: leastRequests,
  })
  expect([requests, failures]).toEqual([1_000_000, 0])
}, 50_000)

describe('options', () => {
  const good: SimulateOptions = { endpoints: 1, arrivals: [0], serviceTimes: ten, strategy: random }

  test.each<[string, unknown, string, RegExp]>([
    ['endpoints', 0, 'endpoints', /how many there are, from 1 to 100000, or a list of them/],
    ['endpoints', [{ weight: -1 }], 'endpoints[0].weight', /a number from 0 to 1000000/],
    ['endpoints', [{ id: 'a' }, { id: 'a' }], 'endpoints[1].id', /an id that no other has/],
    ['endpoints', [{ workers: 0 }], 'endpoints[0].workers', /a whole number from 1/],
    ['endpoints', [{ slowness: 0 }], 'endpoints[0].slowness', /a number from 0\.001/],
    ['arrivals', { perSecond: 0, requests: 1 }, 'arrivals.perSecond', /a number from 0\.001/],
    ['arrivals', [], 'arrivals', /an object with perSecond and requests, or a list of times/],
    ['arrivals', [1, 0], 'arrivals[1]', /at least the one before, which is 1/],
    ['serviceTimes', { meanMs: 1, kind: 'normal' }, 'serviceTimes.kind', /"exponential" or "constant"/],
    ['strategy', 'random', 'strategy', /a strategy factory/],
    ['faults', [{ endpoint: 'x', kind: 'down', fromMs: 0 }], 'faults[0].endpoint', /the id of an endpoint/],
    ['faults', [{ endpoint: 'e0', kind: 'down', fromMs: 5, toMs: 5 }], 'faults[0].toMs', /more than fromMs, which is 5/],
    ['retries', 11, 'retries', /a whole number from 0 to 10/],
    ['hashKey', 'ip', 'hashKey', /a function of the place of a request/],
    ['seed', 0.5, 'seed', /a whole number/],
  ])('%s: %j stops the start', (option, value, path, right) => {
    expect(() => simulate({ ...good, [option]: value })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path, message: expect.stringMatching(right) }),
    )
    expect(() => simulate({ ...good, [option]: value })).toThrow(/^simulate: /)
  })
})
