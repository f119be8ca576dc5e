import { fromIterable } from '@gatelet/balancer'
import { describe, expect, test, vi } from 'vitest'
import { watching } from './watching.ts'

test('tells each list that comes, and keeps the last when there is no other', async () => {
  using seen = watching(
    fromIterable(async function* () {
      yield ['http://a']
      yield ['http://a', 'http://b']
    }),
  )
  await seen.when(() => seen.lists.length === 2)
  expect(seen.urls).toEqual(['http://a', 'http://b'])
  await seen.clock.advance(3_600_000)
  expect(seen.lists).toHaveLength(2)
})

test('is asked again after it threw', async () => {
  let asked = 0
  using seen = watching(
    fromIterable(async function* () {
      asked++
      yield [`http://a${asked}`]
      if (asked < 3) throw new Error(`broken ${asked}`)
    }),
  )
  await seen.advanceUntil(() => seen.lists.length === 3)
  expect(seen.urls).toEqual(['http://a3'])
  expect(seen.failures).toEqual(['broken 1', 'broken 2'])
})

test.each([
  [
    'throws before it makes anything',
    () => {
      throw new Error('no')
    },
  ],
  ['makes what is no iterable', () => 7 as never],
])('a function that %s is a failure', async (_, lists) => {
  using seen = watching(fromIterable(lists))
  await seen.when(() => seen.failures.length === 1)
})

test('an iterable alone is followed once', async () => {
  const next = vi.fn(async () => {
    throw new Error('gone')
  })
  using seen = watching(fromIterable({ [Symbol.asyncIterator]: () => ({ next }) }))
  await seen.when(() => seen.failures.length === 1)
  await seen.clock.advance(3_600_000)
  expect(next).toHaveBeenCalledTimes(1)
})

describe('the end', () => {
  test('is told by the signal and by return(), and nobody waits for one that hangs', async () => {
    const returned = vi.fn(async () => ({ done: true as const, value: undefined }))
    let heard: AbortSignal | undefined
    const seen = watching(
      fromIterable((signal) => {
        heard = signal
        return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: returned }) }
      }),
    )
    seen.end()
    await seen.when(() => returned.mock.calls.length === 1)
    expect(heard?.aborted).toBe(true)
    expect(seen.failures).toEqual([])
    expect(seen.clock.pending).toBe(0)
  })

  test('comes also for one that never waits: it does not stop the process, and its own end is run', async () => {
    const ended = vi.fn()
    const seen = watching(
      fromIterable(async function* () {
        try {
          while (true) yield ['http://a']
        } finally {
          ended()
        }
      }),
    )
    await seen.when(() => seen.lists.length > 3)
    seen.end()
    const told = seen.lists.length
    await seen.when(() => ended.mock.calls.length === 1)
    expect(seen.lists).toHaveLength(told)
  })
})
