import { expect, test } from 'vitest'
import type { Round } from '../measure.ts'
import { noise, summarize } from '../summary.ts'

const round = (...costs: number[]): Round => ({
  samples: costs.map((cpuUs) => ({ cpuUs, requestsPerSecond: 1_000_000 / cpuUs })),
  failed: 0,
})
const failed: Round = { samples: [{ cpuUs: 1, requestsPerSecond: 1_000_000 }], failed: 3, fault: '3 of 9 answers failed' }

test('compares lower quartiles of all samples with those of the bare proxy and of http-proxy', () => {
  const rows = summarize(
    new Map([
      ['gatelet', [round(60, 60, 60, 90)]],
      ['bare', [round(50, 50, 50, 80)]],
      ['http-proxy', [round(100, 100, 100)]],
    ]),
  )
  expect(rows[0]).toMatchObject({ subject: 'gatelet', lowerQuartileUs: 60, medianUs: 60, timesBare: 1.2, timesHttpProxy: 0.6 })
  expect(rows[1]).toMatchObject({ timesBare: 1, timesHttpProxy: 0.5, requestsPerSecond: 20_000 })
})

test('compares within each round too, where both were disturbed alike', () => {
  const [row] = summarize(
    new Map([
      ['gatelet', [round(55), round(110), round(60)]],
      ['bare', [round(50), round(100), round(50)]],
    ]),
  )
  expect(row?.timesBareByRound.map((ratio) => ratio.toFixed(2))).toEqual(['1.10', '1.10', '1.20'])
})

test('leaves out a round with failed answers, and says so', () => {
  const [row] = summarize(
    new Map([
      ['gatelet', [failed, round(60)]],
      ['bare', [round(10), round(50)]],
    ]),
  )
  expect(row).toMatchObject({ lowerQuartileUs: 60, counted: 1, rounds: 2, failed: 3, faults: ['3 of 9 answers failed'] })
  expect(row?.timesBareByRound).toEqual([1.2, 1.2, 1.2])
})

test('takes the distance of the control from the bare proxy for noise', () => {
  const rounds = (bare: Round, control: Round) => summarize(new Map(Object.entries({ bare: [bare], control: [control] })))
  expect(noise(rounds(round(50), round(48)))).toBeCloseTo(0.04)
  expect(noise(rounds(round(50), round(53)))).toBeCloseTo(0.06)
  expect(noise(rounds(round(50), failed))).toBeNaN()
})

test('does not take chance for quiet: rounds that differ are noise, even where all samples together agree', () => {
  const rows = summarize(
    new Map([
      ['bare', [round(50), round(100), round(100)]],
      ['control', [round(100), round(50), round(50)]],
    ]),
  )
  expect(rows[1]?.timesBare).toBe(2 / 3)
  expect(noise(rows)).toBe(0.5)
})
