import { type BillingOptions, type UsageRecord, usage } from '@gatelet/metrics'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ask } from './asking.ts'

function billed(options: Partial<BillingOptions> = {}) {
  const clock = virtualClock({ date: Date.UTC(2026, 0, 1, 10, 59, 30) })
  const records: UsageRecord[] = []
  const counted = usage({ clock, billing: { onWindow: (record) => void records.push(record), windowMs: 60_000, ...options } })
  onTestFinished(() => counted.close())
  return { clock, counted, records }
}

test('a record tells what each consumer used until the wall clock is at a multiple of the time', async () => {
  const { clock, counted, records } = billed()
  ask(clock, { consumer: 'ada', sentBytes: 10 })
  ask(clock, { consumer: 'ada', status: 500, receivedBytes: 3 })
  ask(clock)
  await clock.advance(29_999)
  expect(records).toEqual([])
  await clock.advance(1)
  expect(records).toMatchObject([
    {
      from: '2026-01-01T10:59:30.000Z',
      to: '2026-01-01T11:00:00.000Z',
      reason: 'closed',
      total: { requests: 3, errors: 1, receivedBytes: 3, sentBytes: 10 },
      consumers: [
        { consumer: 'ada', requests: 2, errors: 1, receivedBytes: 3, sentBytes: 10 },
        { consumer: null, requests: 1 },
      ],
    },
  ])
  ask(clock, { consumer: 'bob' })
  await clock.advance(15_000)
  counted.close()
  expect(records[1]).toMatchObject({
    from: '2026-01-01T11:00:00.000Z',
    to: '2026-01-01T11:00:15.000Z',
    reason: 'stopped',
    consumers: [{ consumer: 'bob', requests: 1 }],
  })
  expect(records[0]?.id).not.toBe(records[1]?.id)
  expect(clock.pending).toBe(0)
})

test('a time in which nobody came has no record', async () => {
  const { clock, records } = billed()
  await clock.advance(10 * 60_000)
  expect(records).toEqual([])
})

test('however many consumers there are, each request is in one record', async () => {
  const steps = fc.array(fc.oneof(fc.nat(40), fc.constant('later' as const)), { maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (sequence, maxConsumers) => {
      const { clock, counted, records } = billed({ maxConsumers })
      const real = new Map<string, number>()
      for (const step of sequence) {
        if (step === 'later') await clock.advance(17_000)
        else {
          ask(clock, { consumer: `c${step}` })
          real.set(`c${step}`, (real.get(`c${step}`) ?? 0) + 1)
        }
      }
      counted.close()
      const told = new Map<string, number>()
      for (const { total, consumers } of records) {
        expect(consumers.length).toBeLessThanOrEqual(maxConsumers)
        expect(consumers.reduce((sum, { requests }) => sum + requests, 0)).toBe(total.requests)
        for (const { consumer, requests } of consumers) told.set(consumer ?? '', (told.get(consumer ?? '') ?? 0) + requests)
      }
      expect(told).toEqual(real)
      expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
    }),
    { seed: 12, numRuns: 60 },
  )
})

test('a function that throws or rejects is a warning, and costs neither requests nor later records', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warned.mockRestore())
  const seen: UsageRecord[] = []
  const { clock } = billed({
    onWindow(record) {
      seen.push(record)
      if (seen.length === 1) throw new Error('no database')
      return Promise.reject(new Error('still none'))
    },
  })
  for (let minute = 0; minute < 3; minute++) {
    ask(clock)
    await clock.advance(60_000)
  }
  expect(seen.map(({ total }) => total.requests)).toEqual([1, 1, 1])
  expect(warned).toHaveBeenCalledTimes(3)
})

test('a request that the function itself makes is counted in the next record', async () => {
  const { clock, records } = billed({
    onWindow(record) {
      records.push(record)
      if (records.length === 1) ask(clock, { consumer: 'biller' })
    },
  })
  ask(clock, { consumer: 'ada' })
  await clock.advance(120_000)
  expect(records.map(({ consumers }) => consumers.map(({ consumer }) => consumer))).toEqual([['ada'], ['biller']])
})
