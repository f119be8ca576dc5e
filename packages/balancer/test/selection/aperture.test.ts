import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apertureOf } from '../../src/selection/aperture.ts'

const endpoints = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `http://10.0.0.${at}:80` }))

test('is all of a set that cannot be parted', () => {
  expect(apertureOf(endpoints(39), { size: 20, instance: 5 })).toHaveLength(39)
  expect(apertureOf([], { size: 20, instance: 5 })).toEqual([])
})

test('is the same for the same instance, whatever the order of the list', () => {
  const all = endpoints(100)
  const ids = (list: typeof all) =>
    apertureOf(list, { size: 20, instance: 7 })
      .map(({ id }) => id)
      .toSorted()
  expect(ids(all.toReversed())).toEqual(ids(all))
})

test('each endpoint is used by as many instances as any other, give or take one', () => {
  const cases = fc.record({
    count: fc.integer({ min: 1, max: 120 }),
    size: fc.integer({ min: 1, max: 40 }),
    instances: fc.integer({ min: 1, max: 60 }),
  })
  fc.assert(
    fc.property(cases, ({ count, size, instances }) => {
      const all = endpoints(count)
      const used = new Map(all.map(({ id }) => [id, 0]))
      for (let instance = 0; instance < instances; instance++) {
        const part = apertureOf(all, { size, instance })
        expect(part.length).toBeGreaterThanOrEqual(Math.min(size, count))
        if (count >= 2 * size) expect(part.length).toBeLessThan(2 * size)
        for (const { id } of part) used.set(id, (used.get(id) ?? 0) + 1)
      }
      const times = [...used.values()]
      expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
    }),
    { seed: 23, numRuns: 200 },
  )
})

test('an endpoint that goes moves at most the borders of a part', () => {
  const all = endpoints(109)
  for (let instance = 0; instance < 10; instance++) {
    const before = new Set(apertureOf(all, { size: 20, instance }).map(({ id }) => id))
    const after = apertureOf(all.slice(1), { size: 20, instance })
    expect(after.filter(({ id }) => !before.has(id)).length).toBeLessThanOrEqual(2)
  }
})
