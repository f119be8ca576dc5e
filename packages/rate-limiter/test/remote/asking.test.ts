import { access } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { type EventMap, subscribe, systemClock } from '@gatelet/core'
import { Asking, Breaker } from '@gatelet/rate-limiter/toolkit'
import { virtualClock } from '@gatelet/testing'
import { expect, onTestFinished, test, vi } from 'vitest'

/** A store that answers when the test says so. */
function scene(options = {}) {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const clock = virtualClock()
  const breaker = new Breaker({ store: 'far', clock, options: { failures: 2, openMs: 1_000, ...options } })
  const state = { isReady: true, sent: 0, late: [] as string[] }
  const asking = new Asking({ store: 'far', clock, timeoutMs: 50, breaker, isReady: () => state.isReady })
  const events: EventMap['store:changed'][] = []
  onTestFinished(subscribe('store:changed', (event) => events.push(event)))
  /** Asks, and says how that ended: the answer, or a code. */
  const ask = (answer: () => Promise<string>, signal?: AbortSignal): Promise<string> =>
    asking
      .ask({
        send() {
          state.sent++
          return answer()
        },
        read: (text: string) => text.toUpperCase(),
        onLate: (text) => state.late.push(text),
        signal,
      })
      .catch((error: Error & { code?: string }) => error.code ?? error.message)
  return { clock, breaker, state, ask, events }
}

const never = () => new Promise<string>(() => {})
const down = () => Promise.reject(new Error('down'))

test('reads the answer', async () => {
  const { ask, clock } = scene()
  expect(await ask(async () => 'yes')).toBe('YES')
  await clock.advance(50)
  expect(clock.pending).toBe(0)
})

test('gives up at its deadline, each question at its own, with one timer', async () => {
  const { ask, clock } = scene({ failures: 10 })
  const ends: string[] = []
  void ask(never).then((end) => ends.push(`first ${end}`))
  await clock.advance(30)
  void ask(never).then((end) => ends.push(`second ${end}`))
  void ask(async () => 'answered').then((end) => ends.push(end))
  expect(clock.pending).toBe(1)
  await clock.advance(20)
  expect(ends).toEqual(['ANSWERED', 'first STORE_TIMEOUT'])
  await clock.advance(30)
  expect(ends).toEqual(['ANSWERED', 'first STORE_TIMEOUT', 'second STORE_TIMEOUT'])
  expect(clock.pending).toBe(0)
})

test('tells of an answer that comes too late, and does not take it for a sign of health', async () => {
  const { ask, clock, state, breaker } = scene({ failures: 1 })
  let answer = (_: string) => {}
  const end = ask(() => new Promise((resolve) => (answer = resolve)))
  await clock.advance(50)
  expect(await end).toBe('STORE_TIMEOUT')
  answer('late')
  await setImmediate()
  expect([state.late, breaker.isOpen]).toEqual([['late'], true])
})

test('leaves a store alone that fails, lets one question try, and is told once', async () => {
  const { ask, clock, state, events } = scene()
  expect([await ask(down), await ask(down), await ask(down)]).toEqual(Array(3).fill('STORE_UNAVAILABLE'))
  expect(state.sent).toBe(2)
  await clock.advance(1_000)
  const probe = ask(never)
  expect(await ask(async () => 'yes')).toBe('STORE_UNAVAILABLE')
  await clock.advance(50)
  expect([await probe, state.sent]).toEqual(['STORE_TIMEOUT', 3])
  await clock.advance(999)
  expect(await ask(async () => 'yes')).toBe('STORE_UNAVAILABLE')
  await clock.advance(1)
  expect([await ask(async () => 'yes'), await ask(async () => 'yes')]).toEqual(['YES', 'YES'])
  expect(events.map(({ store, isAvailable, error }) => [store, isAvailable, error?.message])).toEqual([
    ['far', false, 'far: down'],
    ['far', true, undefined],
  ])
})

test('counts failures running only', async () => {
  const { ask, breaker } = scene()
  for (let round = 0; round < 3; round++)
    expect([await ask(down), await ask(async () => 'yes')]).toEqual(['STORE_UNAVAILABLE', 'YES'])
  expect(breaker.isOpen).toBe(false)
})

test('does not ask without a connection, and what throws is as what rejects', async () => {
  const { ask, state } = scene({ failures: 10 })
  state.isReady = false
  expect([await ask(never), state.sent]).toEqual(['STORE_UNAVAILABLE', 0])
  state.isReady = true
  const throwing = () => {
    throw new Error('at once')
  }
  expect(await ask(throwing)).toBe('STORE_UNAVAILABLE')
  expect(await ask(async () => null as never)).toBe('STORE_UNAVAILABLE')
})

test('lets go of who is not interested any more, and of nothing else', async () => {
  const { ask, clock, state, breaker } = scene({ failures: 1 })
  const gone = new AbortController()
  let answer = (_: string) => {}
  const end = ask(() => new Promise((resolve) => (answer = resolve)), gone.signal)
  gone.abort(new Error('left'))
  expect(await end).toBe('left')
  answer('nobody')
  await setImmediate()
  expect([state.late, breaker.isOpen]).toEqual([['nobody'], false])
  expect([await ask(never, gone.signal), state.sent]).toEqual(['left', 1])
  await clock.advance(50)
  expect(breaker.isOpen).toBe(false)
})

test('blames nobody for an answer that was there while this process was busy', async () => {
  const breaker = new Breaker({ store: 'far', clock: systemClock, options: {} })
  const asking = new Asking({ store: 'far', clock: systemClock, timeoutMs: 5, breaker, isReady: () => true })
  const answered = asking.ask({ send: () => access('/'), read: () => 'answered' })
  for (const end = performance.now() + 50; performance.now() < end; );
  expect(await answered).toBe('answered')
})
