import { expect, test } from 'vitest'
import type { Round } from '../contender.ts'
import { type Payload, payloads } from '../payloads.ts'
import { table } from '../report.ts'
import { summarize } from '../summary.ts'

const payload = payloads[0] as Payload
const round = (cpuUs: number): Round => ({ samples: [{ cpuUs, requestsPerSecond: 12_345 }], failed: 0 })
const tableOf = (rounds: Record<string, Round[]>) => table(payload, summarize(new Map(Object.entries(rounds)))).split('\n')

test('puts subjects side by side under one heading', () => {
  const lines = tableOf({ bare: [round(50)], control: [round(51)], 'http-proxy': [round(80)] })
  expect(lines[0]).toBe('1 KiB GET')
  expect(lines[2]).toMatch(/^bare undici\.dispatch +50\.0 +50\.0 +1\.00 +1\.00-1\.00 +0\.63 +0\.63-0\.63 +12345 +1 of 1 +0$/)
  expect(lines[4]).toMatch(/^http-proxy 1\.18\.1 +80\.0 +80\.0 +1\.60 +1\.60-1\.60 +1\.00 +1\.00-1\.00 +12345 +1 of 1 +0$/)
  expect(new Set(lines.slice(1, 5).map((line) => line.length)).size).toBe(1)
})

test('says how little the run can tell', () => {
  const lines = tableOf({ bare: [round(50)], control: [round(51)] })
  expect(lines).toContain('The control is off by 2.0 %: smaller differences say nothing.')
})

test('says that a run on a busy machine says nothing', () => {
  const lines = tableOf({ bare: [round(50)], control: [round(60)] })
  expect(lines).toContain('The control is off by 20.0 %: the machine was too busy, and this table says nothing.')
})

test('names each fault once, and shows no figure where no round counted', () => {
  const broken: Round = { samples: [], failed: 2, fault: '2 of 2 answers failed' }
  const lines = tableOf({ bare: [broken, broken], control: [round(50), round(50)] })
  expect(lines[2]).toMatch(/^bare undici\.dispatch +(- +){7}0 of 2 +4$/)
  expect(lines.filter((line) => line.startsWith('Not counted'))).toEqual([
    'Not counted, bare undici.dispatch: 2 of 2 answers failed',
  ])
  expect(lines).toContain('Without the bare proxy and its control there is nothing to compare with.')
})
