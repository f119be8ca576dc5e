import { createBalancer, type EjectionOptions, type ManagedBalancer } from '@gatelet/balancer'
import { isLease, subscribe } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { attempt, counts, failTimes, leaseOf, named, viewOf } from './fakes.ts'

function balancerOf(ids: string, ejection: EjectionOptions | false = {}) {
  const clock = virtualClock()
  return { clock, balancer: createBalancer({ endpoints: [...ids].map((id) => named(id)), ejection, clock }) }
}

const ejected = (balancer: ManagedBalancer) => balancer.endpoints.filter(({ state }) => state === 'ejected').map(({ id }) => id)

describe('counting', () => {
  test('ejects after five failures in a row', () => {
    const { balancer } = balancerOf('abc')
    failTimes(balancer, 4, 'a')
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', consecutiveFailures: 4 })
    failTimes(balancer, 1, 'a')
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'ejected', ejectedUntil: 30_000 })
    expect(counts(Array.from({ length: 90 }, () => attempt(balancer, 'success')))['a']).toBeUndefined()
  })

  test('starts again with each success', () => {
    const { balancer } = balancerOf('abc', { failureRate: false })
    for (let time = 0; time < 10; time++) {
      failTimes(balancer, 4, 'a')
      attempt(balancer, 'success', 'a')
    }
    expect(viewOf(balancer, 'a').state).toBe('active')
  })

  test('is not moved by attempts that were cancelled or never answered', () => {
    const { balancer } = balancerOf('abc')
    failTimes(balancer, 4, 'a')
    for (let time = 0; time < 20; time++) {
      attempt(balancer, 'cancelled', 'a')
      leaseOf(balancer, 'a').release()
    }
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', consecutiveFailures: 4 })
  })

  test('is not moved by what a lease says after its first answer or after its end', () => {
    const { balancer } = balancerOf('abc', { consecutiveFailures: 2 })
    const lease = leaseOf(balancer, 'a')
    lease.answered({ kind: 'failure', latencyMs: 1 })
    lease.answered({ kind: 'failure', latencyMs: 1 })
    lease.release()
    const late = leaseOf(balancer, 'a')
    late.release()
    late.answered({ kind: 'failure', latencyMs: 1 })
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', consecutiveFailures: 1 })
  })

  test('can be switched off', () => {
    const { balancer } = balancerOf('abc', false)
    failTimes(balancer, 100, 'a')
    expect(ejected(balancer)).toEqual([])
  })
})

describe('how long', () => {
  test('readmits at its time and not a moment before', async () => {
    const { balancer, clock } = balancerOf('abc')
    failTimes(balancer, 5, 'a')
    await clock.advance(29_999)
    expect(viewOf(balancer, 'a').state).toBe('ejected')
    await clock.advance(1)
    // Nobody looked at the list: the pick itself sees that the time is over.
    leaseOf(balancer, 'a').answered({ kind: 'success', latencyMs: 1 })
    expect(counts(Array.from({ length: 59 }, () => leaseOf(balancer).endpoint.id))).toEqual({ a: 19, b: 20, c: 20 })
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', consecutiveFailures: 0, ejectedUntil: undefined })
  })

  test('needs no timer', () => {
    const { balancer, clock } = balancerOf('abc')
    failTimes(balancer, 5, 'a')
    expect(clock.pending).toBe(0)
  })

  // Ejects `a` as soon as it is back; `restMs` pass between.
  async function lengths(times: number, restMs: number, ejection: EjectionOptions) {
    const { balancer, clock } = balancerOf('abc', ejection)
    const found: number[] = []
    for (let time = 0; time < times; time++) {
      failTimes(balancer, 5, 'a')
      const lasts = (viewOf(balancer, 'a').ejectedUntil ?? 0) - clock.now()
      found.push(lasts)
      await clock.advance(lasts + restMs)
    }
    return found
  }

  test('lasts longer each time, up to the most', async () => {
    expect(await lengths(6, 0, { baseMs: 100, maxMs: 350 })).toEqual([100, 200, 300, 350, 350, 350])
  })

  test('forgets one ejection for each base time without another', async () => {
    expect(await lengths(5, 99, { baseMs: 100, maxMs: 1_000 })).toEqual([100, 200, 300, 400, 500])
    expect(await lengths(5, 100, { baseMs: 100, maxMs: 1_000 })).toEqual([100, 100, 100, 100, 100])
  })

  test('is forgotten after a long outage as soon as after one that reached the longest time', async () => {
    const { balancer, clock } = balancerOf('abc', { baseMs: 100, maxMs: 400 })
    for (let time = 0; time < 50; time++) {
      failTimes(balancer, 5, 'a')
      await clock.advance(400)
    }
    await clock.advance(400)
    failTimes(balancer, 5, 'a')
    expect((viewOf(balancer, 'a').ejectedUntil ?? 0) - clock.now()).toBe(100)
  })

  test('is not made longer by failures that were under way when it began', async () => {
    const { balancer, clock } = balancerOf('abc')
    const underWay = Array.from({ length: 20 }, () => leaseOf(balancer, 'a'))
    failTimes(balancer, 5, 'a')
    for (const lease of underWay) lease.answered({ kind: 'failure', latencyMs: 1 })
    await clock.advance(30_000)
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', consecutiveFailures: 0 })
  })
})

describe('how many', () => {
  test.each([
    ['a', undefined, 0],
    ['ab', undefined, 1],
    ['abc', undefined, 2],
    ['abcd', undefined, 3],
    ['abcdef', undefined, 4],
    ['a', 0.5, 0],
    ['ab', 0.5, 1],
    ['abc', 0.5, 1],
    ['abcd', 0.5, 2],
    ['abcdefghij', 0.1, 1],
    ['abcdefghij', 0, 1],
    ['abcd', 1, 3],
  ])('of %s, where all but the last fail, with a share of %s: %i', (ids, maxShare, most) => {
    const { balancer } = balancerOf(ids, maxShare === undefined ? {} : { maxShare })
    for (let round = 0; round < 3; round++) for (const id of ids.slice(0, -1)) failTimes(balancer, 5, id)
    expect(ejected(balancer)).toHaveLength(most)
  })

  test('ejects another as soon as there is room for it again', async () => {
    const { balancer, clock } = balancerOf('abc', { maxShare: 0.5 })
    failTimes(balancer, 5, 'a')
    await clock.advance(10_000)
    failTimes(balancer, 7, 'b')
    expect(ejected(balancer)).toEqual(['a'])
    await clock.advance(20_000)
    failTimes(balancer, 1, 'b')
    expect(ejected(balancer)).toEqual([])
    attempt(balancer, 'success', 'a')
    failTimes(balancer, 1, 'b')
    expect(ejected(balancer)).toEqual(['b'])
  })

  test('readmits those that are nearest to their time when the set becomes smaller', async () => {
    const { balancer, clock } = balancerOf('abcd', { maxShare: 0.5 })
    failTimes(balancer, 5, 'a')
    await clock.advance(1_000)
    failTimes(balancer, 5, 'b')
    await balancer.remove('c')
    expect(ejected(balancer)).toEqual(['b'])
    await balancer.drain('d')
    expect(ejected(balancer)).toEqual(['b'])
    await balancer.remove('a')
    expect(ejected(balancer)).toEqual([])
    expect(attempt(balancer, 'success')).toBe('b')
  })

  test('never ejects more than the share nor the last one, and an ejection lasts its time, whatever happens', async () => {
    const id = fc.constantFrom(...'abcdef')
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ what: fc.constant('fail' as const), id, times: fc.integer({ min: 1, max: 6 }) }) },
      { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('success' as const, 'cancelled' as const), id }) },
      { weight: 2, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('weight' as const), id, weight: fc.integer({ min: 0, max: 2 }) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('list' as const), ids: fc.uniqueArray(id, { maxLength: 6 }) }) },
    )
    const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], maxShare: number) => {
      const { balancer, clock } = balancerOf('abcdef', { maxShare, baseMs: 100, maxMs: 300, consecutiveFailures: 3 })
      const has = (id: string) => balancer.endpoints.some((endpoint) => endpoint.id === id)
      for (const step of steps) {
        if (step.what === 'wait') await clock.advance(step.ms)
        else if (step.what === 'list') await balancer.replace(step.ids.map((id) => named(id)))
        else if (!has(step.id) || !balancer.endpoints.some(({ weight }) => weight > 0)) continue
        else if (step.what === 'weight') balancer.setWeight(step.id, step.weight)
        else if (step.what === 'fail') failTimes(balancer, step.times, step.id)
        else attempt(balancer, step.what, step.id)

        const inPlay = balancer.endpoints.filter(({ weight }) => weight > 0)
        const resting = inPlay.filter(({ circuit }) => circuit !== 'closed')
        expect(resting.length).toBeLessThanOrEqual(Math.max(1, Math.floor(maxShare * inPlay.length)))
        expect(resting.length).toBeLessThanOrEqual(Math.max(0, inPlay.length - 1))
        for (const { ejectedUntil = clock.now() + 1 } of resting) {
          expect(ejectedUntil).toBeGreaterThan(clock.now())
          expect(ejectedUntil).toBeLessThanOrEqual(clock.now() + 300)
        }
        if (inPlay.length > 0) expect(viewOf(balancer, attempt(balancer, 'cancelled')).state).toBe('active')
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 0.2, 0.5, 0.8, 1), run), {
      seed: 19,
      numRuns: 200,
    })
  })
})

describe('outages', () => {
  // One request, without a retry: the id of where it went.
  function ask(balancer: ManagedBalancer, isUp: (id: string) => boolean): string {
    const lease = leaseOf(balancer)
    lease.answered({ kind: isUp(lease.endpoint.id) ? 'success' : 'failure', latencyMs: 1 })
    lease.release()
    return lease.endpoint.id
  }

  test.each(['ab', 'abc', 'abcdef'])('while all of %s fail, all are asked, and nobody goes in and out', (ids) => {
    const changes: string[] = []
    onTestFinished(subscribe('endpoint:changed', ({ change }) => void changes.push(change)))
    const { balancer } = balancerOf(ids)
    for (let request = 0; request < 200; request++) ask(balancer, () => false)
    expect(ejected(balancer)).toEqual([])
    expect(changes.filter((change) => change === 'ejected').length).toBeLessThanOrEqual(0.75 * ids.length)
  })

  test.each(['ab', 'abc', 'abcdef'])('the first of %s that is back after an outage of all gets the requests at once', (ids) => {
    const { balancer } = balancerOf(ids)
    for (let request = 0; request < 200; request++) ask(balancer, () => false)
    for (let request = 0; request < 20 * ids.length; request++) ask(balancer, (id) => id === 'b')
    const found = counts(Array.from({ length: 100 }, () => ask(balancer, (id) => id === 'b')))
    // As many of the others as may be are ejected: of those that are left it gets at least its part, all in all.
    const left = ids.length - Math.floor(ids.length / 2)
    expect(found['b']).toBeGreaterThanOrEqual(Math.floor(100 / left) * 0.8)
    expect(viewOf(balancer, 'b').state).toBe('active')
  })

  test('a request that has been everywhere goes to an ejected endpoint before it goes anywhere twice', () => {
    const { balancer } = balancerOf('abc')
    failTimes(balancer, 5, 'a')
    const tried = balancer.endpoints.filter(({ state }) => state === 'active')
    for (let request = 0; request < 20; request++) {
      const lease = balancer.tryAcquire({ tried })
      expect(isLease(lease) && lease.endpoint.id).toBe('a')
    }
    const again = balancer.tryAcquire({ tried: balancer.endpoints })
    expect(isLease(again) && again.endpoint.id).not.toBe('a')
  })

  test('an endpoint that always fails gets less than 2 % of the requests', async () => {
    const { balancer, clock } = balancerOf('abc')
    const found: string[] = []
    for (let second = 0; second < 300; second++) {
      for (let request = 0; request < 20; request++) found.push(ask(balancer, (id) => id !== 'a'))
      await clock.advance(1_000)
    }
    const share = (counts(found)['a'] ?? 0) / found.length
    expect(share).toBeLessThan(0.02)
    // It is asked again each time that its time is over.
    expect(share).toBeGreaterThan(0)
  })
})
