import { setImmediate } from 'node:timers/promises'
import { memoryRateStore, type RateRequest, type RateRule, type RateStore } from '@gatelet/rate-limiter'
import { type VirtualClock, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Leasing } from '../src/leasing.ts'
import { isTaken, ofBurst, one, rules } from './rules.ts'

interface Scene {
  readonly clock: VirtualClock
  readonly store: RateStore
  /** What the store was asked for: costs, negative where they were given back. */
  readonly asked: number[]
  leasing(size: number, maxMs?: number): Leasing
}

/** A store that answers a turn of the event loop later, as one elsewhere does. */
function scene(): Scene {
  const clock = virtualClock()
  const memory = memoryRateStore({ clock })
  const asked: number[] = []
  const store: RateStore = {
    async take(requests) {
      asked.push(requests[0]?.cost ?? 0)
      await setImmediate()
      return memory.take(requests)
    },
    async give(requests) {
      asked.push(-(requests[0]?.cost ?? 0))
      await setImmediate()
      memory.give(requests)
    },
  }
  const idOf = (requests: readonly RateRequest[]) => JSON.stringify(requests)
  return { clock, store, asked, leasing: (size, maxMs = 1_000) => new Leasing({ store, clock, options: { size, maxMs }, idOf }) }
}

test('asks for twice as many each time, and for no more than half of what is left', async () => {
  const { asked, leasing } = scene()
  const leased = leasing(8)
  const rule = ofBurst(40)
  const remaining: (number | undefined)[] = []
  for (let at = 0; at < 40; at++) remaining.push((await leased.take([one(rule)]))[0]?.remaining)
  expect(asked).toEqual([1, 2, 4, 8, 8, 8, 4, 2, 1, 1, 1])
  expect(remaining).toEqual(Array.from({ length: 40 }, (_, at) => 39 - at))
  expect(isTaken(await leased.take([one(rule)]))).toBe(false)
})

test('gives back what is not used in time, or when it is closed', async () => {
  const { asked, clock, store, leasing } = scene()
  const [a, b] = [leasing(8), leasing(8, 5_000)]
  for (let at = 0; at < 4; at++) await a.take([one(ofBurst(40))])
  for (let at = 0; at < 4; at++) await b.take([one(ofBurst(40))])
  asked.length = 0
  await clock.advance(1_001)
  expect(asked).toEqual([-3])
  await b.close()
  expect(asked).toEqual([-3, -3])
  const [verdict] = await store.take([{ ...one(ofBurst(40)), cost: 0 }])
  expect(verdict?.remaining).toBe(32)
  await clock.advance(10_000)
  expect(clock.pending).toBe(0)
})

test('has many that come at the same time wait for one answer', async () => {
  const { asked, leasing } = scene()
  const leased = leasing(8)
  for (let at = 0; at < 3; at++) await leased.take([one(ofBurst(100))])
  asked.length = 0
  const verdicts = await Promise.all(Array.from({ length: 12 }, () => leased.take([one(ofBurst(100))])))
  expect(verdicts.every(isTaken)).toBe(true)
  expect(asked).toEqual([4, 8])
})

test('lets those that wait fail together, and asks again afterwards', async () => {
  const { store, clock } = scene()
  let isAway = false
  const flaky: RateStore = { ...store, take: (requests) => (isAway ? Promise.reject(new Error('away')) : store.take(requests)) }
  const leased = new Leasing({ store: flaky, clock, options: { size: 8 }, idOf: () => 'id' })
  for (let at = 0; at < 3; at++) await leased.take([one(ofBurst(100))])
  isAway = true
  const ends = await Promise.allSettled([leased.take([one(ofBurst(100))]), leased.take([one(ofBurst(100))])])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isAway = false
  expect(isTaken(await leased.take([one(ofBurst(100))]))).toBe(true)
})

test('asks exactly for other costs and for slots', async () => {
  const { asked, leasing } = scene()
  const leased = leasing(8)
  for (let at = 0; at < 4; at++) await leased.take([{ ...one(ofBurst(100)), cost: 2 }])
  for (let at = 0; at < 4; at++) await leased.take([one(ofBurst(100)), one(rules.concurrency, 'ada', `${at}`)])
  expect(asked).toEqual([2, 2, 2, 2, 1, 1, 1, 1])
})

test('keeps within its error, whoever asks when', async () => {
  const LIMIT = 20
  const BURST = 15
  const WINDOW_MS = 10_000
  const PROCESSES = 3
  const SIZE = 4
  const rule: RateRule = { algorithm: 'gcra', name: 'rate', limit: LIMIT, windowMs: WINDOW_MS, burst: BURST }
  const intervalMs = WINDOW_MS / LIMIT
  const steps = fc.array(
    fc.tuple(fc.nat(PROCESSES - 1), fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(300), fc.nat(3_000))),
    {
      minLength: 40,
      maxLength: 150,
    },
  )
  let mostMissed = 0
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const { clock, leasing } = scene()
      const processes = Array.from({ length: PROCESSES }, () => leasing(SIZE, 2_000))
      const passedAt: number[] = []
      // What one exact bucket would have left, which counts all that passed.
      let exact = 0
      for (const [process, waitMs] of steps) {
        if (waitMs > 0) await clock.advance(waitMs)
        const now = clock.now()
        const passes = isTaken((await processes[process]?.take([one(rule)])) ?? [])
        const ahead = Math.max(0, exact - now)
        if (passes) {
          exact = Math.max(exact, now) + intervalMs
          passedAt.push(now)
          const inWindow = passedAt.filter((at) => at > now - WINDOW_MS).length
          expect(inWindow).toBeLessThanOrEqual(LIMIT + BURST + PROCESSES * SIZE)
        } else {
          const left = BURST - ahead / intervalMs
          mostMissed = Math.max(mostMissed, left)
          expect(left).toBeLessThan(1 + PROCESSES * SIZE)
        }
      }
    }),
    { seed: 7, numRuns: 200 },
  )
  // The error is there: with an exact store it is less than one unit.
  expect(mostMissed).toBeGreaterThan(2)
}, 60_000)
