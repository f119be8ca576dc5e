import { expect, test } from 'vitest'
import type { Round } from '../contender.ts'
import { noise, summarize } from '../summary.ts'

const round = (...costs: number[]): Round => ({
  samples: costs.map((cpuUs) => ({ cpuUs, requestsPerSecond: 1_000_000 / cpuUs })),
  failed: 0,
})
const faulty: Round = { ...round(1), failed: 3, fault: '3 of 9 answers failed' }
const rowsOf = (rounds: Record<string, Round[]>) => summarize(new Map(Object.entries(rounds)))

test('takes the lower quartile and the median of the samples of all rounds', () => {
  const [row] = rowsOf({ gatelet: [round(70, 50), round(60, 90, 80)] })
  expect(row).toMatchObject({ subject: 'gatelet', lowerQuartileUs: 60, medianUs: 70, requestsPerSecond: 1_000_000 / 70 })
})

test('compares turn by turn, so that what disturbed both does not count', () => {
  const [row] = rowsOf({
    gatelet: [round(60, 240, 120)],
    bare: [round(50, 200, 100)],
    'http-proxy': [round(100, 400, 200)],
  })
  expect(row?.timesBare.median).toBe(1.2)
  expect(row?.timesHttpProxy.median).toBe(0.6)
})

test('tells how far the rounds are apart', () => {
  const [row] = rowsOf({ gatelet: [round(55), round(110), round(60)], bare: [round(50), round(100), round(40)] })
  expect(row?.timesBare).toEqual({ median: 1.1, least: 1.1, most: 1.5 })
})

test('leaves out a round with a fault, and the same round of what it is compared with', () => {
  const [row] = rowsOf({ gatelet: [faulty, round(60), round(90)], bare: [round(10), round(50), faulty] })
  expect(row).toMatchObject({ lowerQuartileUs: 67.5, counted: 2, rounds: 3, failed: 3, faults: ['3 of 9 answers failed'] })
  expect(row?.timesBare).toEqual({ median: 1.2, least: 1.2, most: 1.2 })
})

test('takes the distance of the control from the bare proxy for noise', () => {
  const noiseOf = (bare: Round, control: Round) => noise(rowsOf({ bare: [bare], control: [control] }))
  expect(noiseOf(round(50), round(48))).toBeCloseTo(0.04)
  expect(noiseOf(round(50), round(53))).toBeCloseTo(0.06)
  expect(noiseOf(round(50), faulty)).toBeNaN()
})

test('does not take luck for quiet: rounds that differ are noise, even when they are right together', () => {
  const rows = rowsOf({
    bare: [round(50), round(50), round(50), round(50)],
    control: [round(40), round(50), round(50), round(60)],
  })
  expect(rows[1]?.timesBare.median).toBe(1)
  expect(noise(rows)).toBeCloseTo(0.1)
})
