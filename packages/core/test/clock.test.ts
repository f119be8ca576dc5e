import { systemClock } from '@gatelet/core'
import { expect, test, vi } from 'vitest'

test('now never goes back, date is that of the wall, random is in [0, 1)', () => {
  const before = systemClock.now()
  expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  expect(Math.abs(systemClock.date() - Date.now())).toBeLessThan(1_000)
  const chance = systemClock.random()
  expect(chance >= 0 && chance < 1).toBe(true)
})

test('a timer runs once, unless it is cancelled', async () => {
  const [kept, cancelled] = [vi.fn(), vi.fn()]
  systemClock.setTimer(cancelled, 1)()
  const undo = systemClock.setTimer(kept, 1)
  await expect.poll(() => kept.mock.calls.length).toBe(1)
  undo()
  expect(cancelled).not.toHaveBeenCalled()
})

test('a timer keeps no process alive', () => {
  const spy = vi.spyOn(globalThis, 'setTimeout')
  systemClock.setTimer(() => {}, 60_000)()
  const [made] = spy.mock.results as { value: NodeJS.Timeout }[]
  expect(made?.value.hasRef()).toBe(false)
})

test.each([Number.POSITIVE_INFINITY, 2 ** 40])('a delay of %d waits as long as a timer can, not 1 ms', (delayMs) => {
  const spy = vi.spyOn(globalThis, 'setTimeout')
  systemClock.setTimer(() => {}, delayMs)()
  expect(spy.mock.calls[0]?.[1]).toBe(2_147_483_647)
})
