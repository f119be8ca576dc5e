import { type AdaptiveOptions, createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { isLease, type Lease, subscribe } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { named } from '../fakes.ts'

const algorithms = ['gradient', 'aimd'] as const

/** A balancer of one endpoint, and what drives it. */
function scene(adaptive: AdaptiveOptions) {
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints: [named('a')], limits: { adaptive }, ejection: false, clock })
  return {
    balancer,
    limit: () => limitOf(balancer),
    /** `windows` times as many requests as fit (at most `demand`), all with this latency. */
    async load(windows: number, latencyMs: number, demand = 1_000, kind: 'success' | 'failure' = 'success') {
      for (let window = 0; window < windows; window++) {
        for (let round = 0; round < 12; round++) {
          const leases = taken(balancer, demand)
          for (const lease of leases) lease.answered({ kind, latencyMs })
          for (const lease of leases) lease.release()
        }
        await clock.advance(1_001)
      }
    },
  }
}

const limitOf = (balancer: ManagedBalancer) => balancer.endpoints[0]?.limit ?? 0

function taken(balancer: ManagedBalancer, demand: number): Lease[] {
  const leases: Lease[] = []
  while (leases.length < demand) {
    const answer = balancer.tryAcquire({ tried: [] })
    if (!isLease(answer)) break
    leases.push(answer)
  }
  return leases
}

describe.each(algorithms)('%s', (algorithm) => {
  test('grows while everything that fits goes well, up to the most', async () => {
    const { load, limit } = scene({ algorithm, max: 60 })
    expect(limit()).toBe(20)
    await load(200, 10)
    expect(limit()).toBe(60)
  })

  test('does not grow while less than half of it is used', async () => {
    const { load, limit } = scene({ algorithm })
    await load(100, 10, 9)
    expect(limit()).toBe(20)
  })

  test('shrinks to no less than the least, and recovers', async () => {
    const { load, limit } = scene({ algorithm, min: 4, max: 40, timeoutMs: 500 })
    await load(100, 10)
    expect(limit()).toBe(40)
    await load(40, 1_000)
    expect(limit()).toBeLessThanOrEqual(10)
    expect(limit()).toBeGreaterThanOrEqual(4)
    await load(60, 10)
    expect(limit()).toBe(40)
  })

  test('never grows while less than half of it is used, whatever the latencies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 15 }),
        async (latencies) => {
          const { load, limit } = scene({ algorithm, min: 1, timeoutMs: 5_000 })
          for (const latency of latencies) {
            const before = limit()
            await load(1, latency, Math.ceil(before / 2) - 1)
            expect(limit()).toBeLessThanOrEqual(before)
          }
        },
      ),
      { seed: 22, numRuns: 30 },
    )
  })

  test('is back at the most 60 windows after the latency is, whatever was before', async () => {
    const bad = fc.record({ latency: fc.double({ min: 100, max: 10_000, noNaN: true }), fails: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(bad, { maxLength: 20 }), async (steps) => {
        const { load, limit } = scene({ algorithm, min: 4, max: 40, timeoutMs: 500 })
        await load(20, 10)
        for (const { latency, fails } of steps) await load(1, latency, 1_000, fails ? 'failure' : 'success')
        await load(60, 10)
        expect(limit()).toBe(40)
      }),
      { seed: 22, numRuns: 20 },
    )
  })

  test('stays within its bounds, whatever comes', async () => {
    const step = fc.record({ latency: fc.double({ min: 0, max: 10_000, noNaN: true }), demand: fc.nat(80), fails: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { load, limit } = scene({ algorithm, min: 3, max: 50 })
        for (const { latency, demand, fails } of steps) {
          await load(1, latency, demand, fails ? 'failure' : 'success')
          expect(limit()).toBeGreaterThanOrEqual(3)
          expect(limit()).toBeLessThanOrEqual(50)
          expect(Number.isInteger(limit())).toBe(true)
        }
      }),
      { seed: 7, numRuns: 50 },
    )
  })
})

test('aimd takes a tenth off for a window with failures, once', async () => {
  const { load, limit } = scene({ algorithm: 'aimd' })
  await load(1, 10, 1_000, 'failure')
  // Two windows: one ends with the tenth attempt, the other is what came behind it.
  expect(limit()).toBeGreaterThanOrEqual(16)
  expect(limit()).toBeLessThan(20)
})

test('gradient lets latency within the tolerance pass, and gives way beyond it', async () => {
  const within = scene({ algorithm: 'gradient' })
  await within.load(30, 100)
  const before = within.limit()
  await within.load(3, 140)
  expect(within.limit()).toBeGreaterThanOrEqual(before)
  await within.load(5, 400)
  expect(within.limit()).toBeLessThan(before)
})

test('what is given by hand is never exceeded', async () => {
  const balancer = createBalancer({
    endpoints: [{ ...named('a'), maxInflight: 8 }],
    limits: { adaptive: 'gradient' },
    clock: virtualClock(),
  })
  expect(limitOf(balancer)).toBe(8)
})

test('each change is told', async () => {
  const limits: number[] = []
  const undo = subscribe('limit:changed', ({ endpoint, limit }) => {
    expect(endpoint.id).toBe('a')
    limits.push(limit)
  })
  const { load, limit } = scene({ algorithm: 'aimd' })
  await load(3, 10)
  undo()
  expect(limits.at(-1)).toBe(limit())
  expect(limits).toEqual([...limits].sort((a, b) => a - b))
  expect(limits.length).toBeGreaterThan(0)
})

test('cancelled attempts tell nothing', () => {
  const balancer = createBalancer({ endpoints: [named('a')], limits: { adaptive: 'aimd' }, clock: virtualClock() })
  for (let round = 0; round < 100; round++) {
    for (const lease of taken(balancer, 20)) {
      lease.answered({ kind: 'cancelled', latencyMs: 60_000 })
      lease.release()
    }
  }
  expect(limitOf(balancer)).toBe(20)
})
