import { json, type Reply } from '@gatelet/core'
import { aggregate, type Part, part } from '@gatelet/router'
import { call } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dropping, fieldAt, keeping, renaming } from '../../src/aggregate/fields.ts'
import { merged, type Placed } from '../../src/aggregate/layout.ts'

const settings = { seed: 42, numRuns: 300 }
// Names that mean something elsewhere, and few of them, so that they meet.
const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'prototype', 'toString', 'length', '0')
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 1, 'x'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map(objectOf),
  ),
})).value
const path = fc.array(name, { minLength: 1, maxLength: 3 })

/** As a parser of JSON makes it: `__proto__` is a name like others. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(entries)
}

/** Every place in a value, as the names that lead to it through lists, with what stands there. */
function* places(of: unknown, at: readonly string[] = []): Generator<readonly [string, unknown]> {
  if (Array.isArray(of)) for (const item of of) yield* places(item, at)
  else if (typeof of === 'object' && of !== null) {
    for (const [key, field] of Object.entries(of)) {
      yield [[...at, key].join('.'), field]
      yield* places(field, [...at, key])
    }
  }
}
const isBelow = (place: string, paths: readonly (readonly string[])[]) =>
  paths.some((each) => `${place}.`.startsWith(`${each.join('.')}.`))
const isAbove = (place: string, paths: readonly (readonly string[])[]) =>
  paths.some((each) => `${each.join('.')}.`.startsWith(`${place}.`))

test('what is allowed stays, and nothing else', () => {
  fc.assert(
    fc.property(value, fc.array(path, { minLength: 1, maxLength: 4 }), (of, paths) => {
      for (const [place] of places(keeping(paths)(of))) expect(isBelow(place, paths) || isAbove(place, paths)).toBe(true)
      const before = [...places(of)].filter(([place]) => isBelow(place, paths)).map(([place]) => place)
      const after = [...places(keeping(paths)(of))].filter(([place]) => isBelow(place, paths)).map(([place]) => place)
      expect(after.sort()).toEqual(before.sort())
    }),
    settings,
  )
})

test('what is denied goes, and nothing else', () => {
  fc.assert(
    fc.property(value, fc.array(path, { maxLength: 4 }), (of, paths) => {
      const kept = [...places(of)].filter(([place]) => !isBelow(place, paths)).map(([place]) => place)
      expect([...places(dropping(paths)(of))].map(([place]) => place)).toEqual(kept)
    }),
    settings,
  )
})

test('to allow all and to deny nothing changes nothing, and to rename there and back neither', () => {
  const objects = fc.array(fc.tuple(name, value), { maxLength: 4 }).map(objectOf)
  fc.assert(
    fc.property(objects, name, (of, from) => {
      expect(JSON.stringify(keeping(Object.keys(of).map((key) => [key]))(of))).toBe(JSON.stringify(of))
      expect(JSON.stringify(dropping([])(of))).toBe(JSON.stringify(of))
      const there = renaming([[[from], 'new name']])(of)
      const back = renaming([[['new name'], from]])(there)
      expect(sorted(back)).toEqual(sorted(of))
      expect(Object.keys(there as object).includes(from)).toBe(false)
    }),
    settings,
  )
})

const sorted = (of: unknown) =>
  Object.entries(of as object)
    .map(([key, field]) => `${key} ${JSON.stringify(field)}`)
    .sort()

test('a target is what stands there itself, nothing that objects have by birth', () => {
  fc.assert(
    fc.property(value, path, (of, at) => {
      const own = at.reduce<unknown>(
        (inner, key) =>
          typeof inner === 'object' && inner !== null && !Array.isArray(inner)
            ? new Map(Object.entries(inner)).get(key)
            : undefined,
        of,
      )
      expect(fieldAt(of as never, at)).toBe(own)
    }),
    settings,
  )
})

const placed: fc.Arbitrary<Placed> = fc.oneof(
  fc.record({ path: fc.constant(undefined), value: fc.array(fc.tuple(name, value), { maxLength: 3 }).map(objectOf) }),
  fc.record({ path, value }),
)

test('what is merged is the last that was given for each place, and nobody’s prototype changes', () => {
  fc.assert(
    fc.property(fc.array(placed, { maxLength: 6 }), (values) => {
      const all = merged(values)
      const last = new Map<string, unknown>()
      const write = (key: string, field: unknown) => {
        for (const other of last.keys()) if (`${other}.`.startsWith(`${key}.`)) last.delete(other)
        last.set(key, field)
      }
      for (const each of values) {
        if (each.path) {
          // A value that stands where a group is needed gives way to it.
          for (let depth = 1; depth < each.path.length; depth++) last.delete(each.path.slice(0, depth).join('.'))
          write(each.path.join('.'), each.value)
        } else for (const [key, field] of Object.entries(each.value as object)) write(key, field)
      }
      for (const [key, field] of last) expect(at(all, key.split('.'))).toBe(field)
      expect(Object.getPrototypeOf(all)).toBe(null)
      expect(Object.keys({}).length + Object.keys(Object.prototype).length).toBe(0)
      expect(({} as { a?: unknown }).a).toBe(undefined)
    }),
    settings,
  )
})

function at(all: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => Object.getOwnPropertyDescriptor(inner as object, key)?.value, all)
}

test('a reply is the same in whatever order its parts answer', async () => {
  const order = fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 5, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), value)), { minLength: 5, maxLength: 5 }),
      order,
      async (objects, answering) => {
        const clean = objects.map(
          (entries) => JSON.parse(JSON.stringify(objectOf(entries)).replaceAll('__proto__', 'p')) as object,
        )
        const release: (() => void)[] = []
        const parts = clean.map((of, index): [string, Part<unknown>] => {
          const from = () =>
            new Promise<Reply>((resolve) => {
              release[index] = () => resolve(json(of))
            })
          return [`p${index}`, part({ from, group: false })]
        })
        const asked = call(aggregate(Object.fromEntries(parts)))
        await new Promise(setImmediate)
        for (const index of answering) release[index]?.()
        expect(await (await asked).json()).toEqual(Object.assign({}, ...clean))
      },
    ),
    { seed: 42, numRuns: 50 },
  )
})
