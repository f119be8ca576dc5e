import { createBalancer } from '@gatelet/balancer'
import { type EventMap, type Explanation, isLease, subscribe } from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failTimes, leaseOf, named } from './fakes.ts'

const reasons = ({ excluded }: Explanation) => Object.fromEntries(excluded.map(({ id, reason }) => [id, reason]))

describe('explain', () => {
  test('says who would be picked, of whom, and why not the others', () => {
    const endpoints = [named('a'), named('b', 2), named('c'), named('d', 0), { ...named('e'), priority: 1 }, named('f')]
    const balancer = createBalancer({ endpoints, strategy: 'least-requests', clock: virtualClock() })
    failTimes(balancer, 5, 'c')
    leaseOf(balancer, 'f')
    const tried = balancer.endpoints.filter(({ id }) => id === 'a')
    const explanation = balancer.explain({ tried })
    expect(explanation).toMatchObject({
      chosen: 'b',
      why: 'strategy',
      candidates: [
        { id: 'b', score: 0.5 },
        { id: 'f', score: 2 },
      ],
    })
    expect(reasons(explanation)).toEqual({ a: 'tried', c: 'ejected', d: 'draining', e: 'other-tier' })
    expect(explanation.groups.map(({ priority, share }) => [priority, share])).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  test('tells other zones, subsets and apertures', () => {
    const endpoints = ['a', 'b'].flatMap((zone) => [1, 2, 3].map((at) => ({ ...named(`${zone}${at}`), zone, metadata: { at } })))
    const zoned = createBalancer({ endpoints, zone: { local: 'a' } }).explain({ tried: [] })
    expect(reasons(zoned)).toEqual({ b1: 'other-zone', b2: 'other-zone', b3: 'other-zone' })
    const split = createBalancer({ endpoints, subset: { match: () => ({ at: 1 }), fallback: 'none' } })
    const context = exchange('/').ctx
    expect(reasons(split.explain({ tried: [], context }))).toEqual({
      ...{ a2: 'not-in-subset', a3: 'not-in-subset', b2: 'not-in-subset', b3: 'not-in-subset' },
    })
    const part = createBalancer({ endpoints, aperture: { size: 2, instance: 0 } }).explain({ tried: [] })
    expect(Object.values(reasons(part))).toEqual(new Array(4).fill('not-in-subset'))
  })

  test('tells a session, a last resort, another try and a refusal', () => {
    const affinity = { cookie: 's', secret: 'a secret of the test', whileDown: 'refuse' as const }
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], affinity, panicThreshold: 0 })
    const lease = balancer.tryAcquire({ tried: [], context: exchange('/').ctx })
    if (!isLease(lease)) throw new Error('refused')
    const cookie = lease.replyHeaders?.[0]?.[1].split(';')[0] ?? ''
    const { ctx: context } = exchange({ headers: { cookie } })
    const { id } = lease.endpoint
    expect(balancer.explain({ tried: [], context })).toMatchObject({ chosen: id, why: 'affinity' })
    expect(balancer.explain({ tried: [lease.endpoint], context })).toMatchObject({ chosen: undefined, why: 'refused' })
    const other = id === 'a' ? 'b' : 'a'
    failTimes(balancer, 5, other)
    expect(balancer.explain({ tried: [lease.endpoint] })).toMatchObject({ chosen: other, why: 'last-resort', candidates: [] })
    expect(balancer.explain({ tried: balancer.endpoints })).toMatchObject({ chosen: id, why: 'again' })
    expect(createBalancer({ endpoints: [] }).explain({ tried: [] })).toEqual({
      ...{ chosen: undefined, why: 'refused', candidates: [], excluded: [], groups: [] },
    })
  })

  test('says that one at its limit is waited for, and no other priority asked', () => {
    const endpoints = [named('a'), { ...named('b'), priority: 1 }]
    const balancer = createBalancer({ endpoints, limits: { perEndpoint: 1 } })
    leaseOf(balancer)
    expect(balancer.tryAcquire({ tried: [] })).toMatchObject({ reason: 'queue-full' })
    const explanation = balancer.explain({ tried: [] })
    expect(explanation).toMatchObject({ chosen: undefined, why: 'refused' })
    expect(reasons(explanation)).toMatchObject({ a: 'at-limit' })
  })

  test('changes nothing', () => {
    const make = () =>
      createBalancer({ endpoints: [named('a', 3), named('b'), named('c', 2)], strategy: 'round-robin', clock: virtualClock() })
    const [asked, alone] = [make(), make()]
    for (let pick = 0; pick < 50; pick++) {
      const { chosen } = asked.explain({ tried: [] })
      expect(leaseOf(asked).endpoint.id).toBe(chosen)
      expect(leaseOf(alone).endpoint.id).toBe(chosen)
    }
  })
})

describe('endpoint:explained', () => {
  const listening = () => {
    const events: EventMap['endpoint:explained'][] = []
    onTestFinished(subscribe('endpoint:explained', (event) => void events.push(event)))
    return events
  }

  test('tells of a share of the picks what each of them really was', () => {
    const events = listening()
    const endpoints = [named('a'), named('b'), { ...named('c'), priority: 1 }]
    const balancer = createBalancer({ endpoints, explainShare: 0.25, name: 'orders', clock: virtualClock() })
    failTimes(balancer, 5, 'a')
    events.length = 0
    const context = exchange('/').ctx
    for (let pick = 0; pick < 4_000; pick++) {
      const before = events.length
      const lease = balancer.tryAcquire({ tried: [], context })
      if (!isLease(lease)) throw new Error('refused')
      lease.release()
      if (events.length > before) expect(events.at(-1)?.explanation.chosen).toBe(lease.endpoint.id)
    }
    expect(events.length).toBeGreaterThan(860)
    expect(events.length).toBeLessThan(1_140)
    expect(new Set(events.map(({ explanation }) => explanation.chosen))).toEqual(new Set(['b', 'c']))
    for (const { explanation, balancer: name, context: asked } of events) {
      expect(explanation.candidates.map(({ id }) => id)).toEqual([explanation.chosen])
      expect([name, asked]).toEqual(['orders', context])
    }
  })

  test('is not told, and costs no chance, when it is off', () => {
    const events = listening()
    const run = (explainShare: number) => {
      const balancer = createBalancer({
        endpoints: [named('a'), named('b')],
        explainShare,
        strategy: 'random',
        clock: virtualClock(),
      })
      return Array.from({ length: 50 }, () => leaseOf(balancer).endpoint.id)
    }
    const without = run(0)
    expect(events).toEqual([])
    expect(without).toEqual(run(0))
  })
})
