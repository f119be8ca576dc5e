import { expect, test } from 'vitest'
import { MAX_OWED, OwedPurges } from '../../src/cache/owed-purges.ts'

test('names what is gone, or stale since the earliest time, while a purge is under way and after it failed', () => {
  const purges = new OwedPurges()
  const soft = purges.begin({ tag: 't' }, 200)
  const sooner = purges.begin({ prefix: 'a' }, 100)
  const hard = purges.begin({ key: 'b' }, undefined)
  const look = () => [
    purges.of('a', ['t']),
    purges.of('a1', []),
    purges.of('c', ['t']),
    purges.of('b', ['t']),
    purges.of('c', []),
  ]
  expect(look()).toEqual([100, 100, 200, 'gone', undefined])
  for (const purge of [soft, sooner, hard]) purges.failed(purge)
  expect(look()).toEqual([100, 100, 200, 'gone', undefined])
  expect(purges.areWaiting).toBe(true)
  for (const purge of [soft, sooner, hard]) expect(purges.beginNext()).toBe(purge)
  expect(look()).toEqual([100, 100, 200, 'gone', undefined])
  for (const purge of [soft, sooner, hard]) purges.done(purge)
  expect(look()).toEqual(Array(5).fill(undefined))
  expect([purges.areWaiting, purges.beginNext()]).toEqual([false, undefined])
})

test('does once what failed twice: softly since the first time', () => {
  const purges = new OwedPurges()
  for (const softAt of [100, 300, 200, undefined, undefined]) purges.failed(purges.begin({ key: 'a' }, softAt))
  const left = [purges.beginNext(), purges.beginNext(), purges.beginNext()]
  expect(left.map((purge) => purge?.softAt)).toEqual([100, undefined, undefined])
  expect(left.map((purge) => purge?.selector)).toEqual([{ key: 'a' }, { key: 'a' }, undefined])
})

test('owes all when it owes too much, and nothing beside', () => {
  const purges = new OwedPurges()
  for (let at = 0; at < MAX_OWED; at++) purges.failed(purges.begin({ key: `${at}` }, undefined))
  expect(purges.of('other', [])).toBeUndefined()
  purges.failed(purges.begin({ tag: 'one more' }, 5))
  expect(purges.of('other', [])).toBe('gone')
  purges.failed(purges.begin({ key: 'and one' }, undefined))
  const all = purges.beginNext()
  expect(all).toEqual({ selector: { all: true }, softAt: undefined })
  expect(purges.beginNext()).toBeUndefined()
  // While it is under way, what fails is not covered by it.
  const late = purges.begin({ key: 'late' }, undefined)
  purges.failed(late)
  if (all) purges.done(all)
  expect([purges.of('other', []), purges.of('late', [])]).toEqual([undefined, 'gone'])
})
