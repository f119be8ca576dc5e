import { createBalancer, type EjectionOptions, type ManagedBalancer } from '@gatelet/balancer'
import { type EventMap, isLease, type Outcome, subscribe } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { attempt, counts, failTimes, leaseOf, named, viewOf } from './fakes.ts'

function balancerOf(ids: string, ejection: EjectionOptions = {}) {
  const clock = virtualClock()
  return { clock, balancer: createBalancer({ endpoints: [...ids].map((id) => named(id)), ejection, clock }) }
}

async function halfOpen(ejection: EjectionOptions = {}) {
  const scene = balancerOf('abc', ejection)
  failTimes(scene.balancer, 5, 'a')
  await scene.clock.advance(30_000)
  return scene
}

const idsOf = (balancer: ManagedBalancer, n: number) => counts(Array.from({ length: n }, () => leaseOf(balancer).endpoint.id))

describe('half-open', () => {
  test('gets one request, and no other before that is answered', async () => {
    const { balancer } = await halfOpen()
    expect(viewOf(balancer, 'a')).toMatchObject({ circuit: 'half-open', state: 'active', reason: 'its time is over' })
    expect(idsOf(balancer, 100)['a']).toBe(1)
  })

  test('is closed by one success', async () => {
    const { balancer } = await halfOpen()
    attempt(balancer, 'success', 'a')
    expect(viewOf(balancer, 'a')).toMatchObject({ circuit: 'closed', reason: undefined, consecutiveFailures: 0 })
    expect(idsOf(balancer, 30)).toEqual({ a: 10, b: 10, c: 10 })
  })

  test('is opened by one failure, for longer', async () => {
    const { balancer, clock } = await halfOpen()
    attempt(balancer, 'failure', 'a')
    expect(viewOf(balancer, 'a')).toMatchObject({ circuit: 'open', reason: 'its probe failed' })
    expect(viewOf(balancer, 'a').ejectedUntil).toBe(clock.now() + 60_000)
  })

  test('asks again after a probe that was cancelled or never answered', async () => {
    const { balancer } = await halfOpen()
    attempt(balancer, 'cancelled', 'a')
    leaseOf(balancer, 'a').release()
    expect(viewOf(balancer, 'a').circuit).toBe('half-open')
    expect(idsOf(balancer, 100)['a']).toBe(1)
  })

  test('sends another probe when the first has said nothing for the base time', async () => {
    const { balancer, clock } = await halfOpen()
    const stuck = leaseOf(balancer, 'a')
    await clock.advance(29_999)
    expect(idsOf(balancer, 20)['a']).toBeUndefined()
    await clock.advance(1)
    attempt(balancer, 'success', 'a')
    expect(viewOf(balancer, 'a').circuit).toBe('closed')
    stuck.answered({ kind: 'failure', latencyMs: 1 })
    expect(viewOf(balancer, 'a').consecutiveFailures).toBe(0)
  })

  test('does as many probes as are asked for, one after another', async () => {
    const { balancer } = await halfOpen({ probes: 3 })
    for (const circuit of ['half-open', 'half-open', 'closed']) {
      attempt(balancer, 'success', 'a')
      expect(viewOf(balancer, 'a').circuit).toBe(circuit)
    }
  })

  test('is skipped where no probes are asked for', async () => {
    const { balancer } = await halfOpen({ probes: 0 })
    expect(viewOf(balancer, 'a').circuit).toBe('closed')
    expect(idsOf(balancer, 30)['a']).toBeGreaterThan(5)
  })

  test('hears nothing of what was sent before the ejection', async () => {
    const { balancer, clock } = balancerOf('abc')
    const early = ['failure', 'success', 'cancelled'].map((kind) => [leaseOf(balancer, 'a'), kind as Outcome['kind']] as const)
    failTimes(balancer, 5, 'a')
    await clock.advance(30_000)
    const probe = leaseOf(balancer, 'a')
    for (const [lease, kind] of early) lease.answered({ kind, latencyMs: 40_000 })
    expect(viewOf(balancer, 'a').circuit).toBe('half-open')
    expect(idsOf(balancer, 20)['a']).toBeUndefined()
    probe.answered({ kind: 'success', latencyMs: 1 })
    expect(viewOf(balancer, 'a').circuit).toBe('closed')
  })

  test('hears nothing of an endpoint that was removed', async () => {
    const changes: string[] = []
    const { balancer } = await halfOpen()
    const probe = leaseOf(balancer, 'a')
    void balancer.remove('a')
    onTestFinished(subscribe('endpoint:changed', ({ change }) => void changes.push(change)))
    probe.answered({ kind: 'failure', latencyMs: 1 })
    expect(changes).toEqual([])
  })

  test('tells each step and why', async () => {
    const events: EventMap['endpoint:changed'][] = []
    onTestFinished(subscribe('endpoint:changed', (event) => void events.push(event)))
    const { balancer } = await halfOpen()
    attempt(balancer, 'success', 'a')
    expect(events.filter(({ change }) => change !== 'added').map(({ change, reason }) => [change, reason])).toEqual([
      ['ejected', '5 failures in a row'],
      ['half-open', 'its time is over'],
      ['readmitted', 'its probe succeeded'],
    ])
  })

  test('never has two probes out, whatever the order of answers', async () => {
    const step = fc.record({
      what: fc.constantFrom('ask', 'success', 'failure', 'cancelled', 'wait'),
      at: fc.nat(20),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { balancer, clock } = balancerOf('ab', { baseMs: 1_000, maxMs: 1_000, consecutiveFailures: 1, probes: 2 })
        attempt(balancer, 'failure', 'a')
        await clock.advance(1_000)
        let probes: ReturnType<typeof leaseOf>[] = []
        for (const { what, at } of steps) {
          if (what === 'wait') await clock.advance(at)
          else if (what === 'ask') {
            const wasHalfOpen = viewOf(balancer, 'a').circuit === 'half-open'
            const lease = leaseOf(balancer)
            if (lease.endpoint.id === 'a' && wasHalfOpen) probes.push(lease)
            expect(probes.length).toBeLessThanOrEqual(1)
          } else {
            for (const probe of probes) probe.answered({ kind: what as Outcome['kind'], latencyMs: 1 })
            probes = []
          }
          if (viewOf(balancer, 'a').circuit !== 'half-open') probes = []
        }
      }),
      { seed: 3, numRuns: 100 },
    )
  })
})

describe('jitter', () => {
  test('makes an ejection longer by up to its share, never shorter', () => {
    const lengths = Array.from({ length: 40 }, (_, seed) => {
      const clock = virtualClock({ seed })
      const balancer = createBalancer({ endpoints: [named('a'), named('b')], ejection: { jitter: 0.5 }, clock })
      failTimes(balancer, 5, 'a')
      return viewOf(balancer, 'a').ejectedUntil ?? 0
    })
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(30_000)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(45_000)
    expect(new Set(lengths).size).toBeGreaterThan(20)
  })
})

describe('failing fast', () => {
  const refusal = (balancer: ManagedBalancer) => {
    const answer = balancer.tryAcquire({ tried: [] })
    return isLease(answer) ? answer.endpoint.id : answer
  }

  test('refuses at once while the only endpoint is ejected, and says when to come back', async () => {
    const { balancer, clock } = balancerOf('a', { failFast: true })
    for (let time = 0; time < 5; time++) attempt(balancer, 'failure')
    expect(refusal(balancer)).toEqual({ reason: 'none-healthy', retryAfterMs: 30_000 })
    await clock.advance(10_000)
    expect(refusal(balancer)).toEqual({ reason: 'none-healthy', retryAfterMs: 20_000 })
  })

  test('lets one request through when the time is over, and all when that succeeded', async () => {
    const { balancer, clock } = balancerOf('a', { failFast: true })
    for (let time = 0; time < 5; time++) attempt(balancer, 'failure')
    await clock.advance(30_000)
    const probe = leaseOf(balancer)
    expect(refusal(balancer)).toMatchObject({ reason: 'none-healthy' })
    probe.answered({ kind: 'success', latencyMs: 1 })
    expect([refusal(balancer), refusal(balancer)]).toEqual(['a', 'a'])
  })

  test('does not send a request that has been everywhere to one that is ejected', () => {
    const { balancer } = balancerOf('ab', { failFast: true })
    for (const id of 'ab') while (viewOf(balancer, id).circuit === 'closed') attempt(balancer, 'failure')
    expect(balancer.tryAcquire({ tried: balancer.endpoints })).toMatchObject({ reason: 'none-healthy' })
  })

  test('is off by default: the last endpoint is always asked', () => {
    const { balancer } = balancerOf('a')
    for (let time = 0; time < 50; time++) expect(attempt(balancer, 'failure')).toBe('a')
  })
})
