import { expect, test } from 'vitest'
import { faults } from './faults.ts'
import { type Row, rightCounts, table } from './report.ts'

const row = (title: string, ...verdicts: boolean[]): Row => ({
  fault: { title, must: '502' },
  verdicts: verdicts.map((isRight) => ({ isRight, seen: isRight ? '502' : 'no | answer' })),
})

test('counts what each proxy met rightly', () => {
  expect(rightCounts([row('a', true, false), row('b', true, true)])).toEqual([2, 1])
})

test('puts one line for each fault under the names of the proxies, and the counts below', () => {
  expect(table(['one', 'two'], [row('a', true, false)]).split('\n')).toEqual([
    '|  | fault | must | one | two |',
    '| --- | --- | --- | --- | --- |',
    '| 1 | a | 502 | ✓ 502 | ✗ no \\| answer |',
    '|  | **right** |  | **1 of 1** | **0 of 1** |',
  ])
})

test('there are nineteen faults, and no two of one name', () => {
  expect(new Set(faults.map(({ title }) => title)).size).toBe(19)
})
