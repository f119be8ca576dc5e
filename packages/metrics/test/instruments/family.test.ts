import { describe, expect, test } from 'vitest'
import { Family } from '../../src/instruments/family.ts'
import { Series } from '../../src/instruments/series.ts'

const spec = { name: 'a.b', kind: 'counter', unit: '', help: '', labels: ['x', 'y'] } as const
const family = (max = 3) => new Family(spec, max, () => new Series())
const read = (of: Family<Series>) => [...of.read()].map(({ labels, item }) => [labels, item.value])

describe('a family', () => {
  test('has one series for each set of labels; what is empty is no label', () => {
    const counts = family()
    counts.at('1', 'a').value++
    counts.at('1', 'a').value++
    counts.at(1, '').value++
    expect(read(counts)).toEqual([
      [{ x: '1', y: 'a' }, 2],
      [{ x: 1 }, 1],
    ])
  })

  test('counts all that comes beyond its bound in one series, and loses none of it', () => {
    const counts = family()
    for (let at = 0; at < 1_000; at++) counts.at(`${at}`, 'a').value++
    expect(read(counts)).toEqual([
      [{ x: '0', y: 'a' }, 1],
      [{ x: '1', y: 'a' }, 1],
      [{ x: '2', y: 'a' }, 1],
      [{ x: '_other', y: '_other' }, 997],
    ])
    expect(counts.mayKeep(counts.at('2', 'a'))).toBe(true)
    expect(counts.mayKeep(counts.at('999', 'a'))).toBe(false)
  })

  test('takes the place of what is gone when there is no other, and looks for it once only', () => {
    const counts = family()
    for (const x of ['a', 'b', 'c']) counts.at(x, '').value++
    let looks = 0
    counts.forgetWhenFull(() => {
      looks++
      return ({ x }) => x === 'b'
    })
    expect(read(counts)).toHaveLength(3)
    for (const x of ['d', 'e', 'f']) counts.at(x, '').value++
    expect(read(counts).map(([labels]) => labels)).toEqual([{ x: 'a' }, { x: 'c' }, { x: 'd' }, { x: '_other', y: '_other' }])
    expect(looks).toBe(1)
  })
})
