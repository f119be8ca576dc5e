import { atOnce, isPromise } from '@gatelet/core'
import { expect, test } from 'vitest'

test.each<[string, unknown, boolean]>([
  ['a promise', Promise.resolve(), true],
  ['what await would wait for', Object.fromEntries([['then', () => {}]]), true],
  ['an object', Object.fromEntries([['then', 1]]), false],
  ['null', null, false],
  ['a function', () => {}, false],
])('of %s it says whether it is a promise', (_, value, expected) => {
  expect(isPromise(value)).toBe(expected)
})

test('gives back what was there at once', () => {
  expect(atOnce(0, 'weightOf')).toBe(0)
})

test('refuses a promise, and hears of its failure, which would end the process', async () => {
  const unheard: unknown[] = []
  const hear = (reason: unknown) => void unheard.push(reason)
  process.on('unhandledRejection', hear)
  expect(() => atOnce(Promise.reject(new Error('away')), 'weightOf')).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', message: 'weightOf must answer at once, not with a promise' }),
  )
  await new Promise(setImmediate)
  process.off('unhandledRejection', hear)
  expect(unheard).toEqual([])
})
