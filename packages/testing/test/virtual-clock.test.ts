import type { Clock } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('stands still until it is moved, and moves both times', async () => {
  const clock = virtualClock({ now: 50, date: 1000 })
  expect([clock.now(), clock.date()]).toEqual([50, 1000])
  await clock.advance(25)
  expect([clock.now(), clock.date()]).toEqual([75, 1025])
})

test('runs what is due, in the order of time and then of setting, each at its own time', async () => {
  const clock = virtualClock()
  const seen: string[] = []
  const note = (name: string) => () => void seen.push(`${name}@${clock.now()}`)
  clock.setTimer(note('late'), 30)
  clock.setTimer(note('first'), 10)
  clock.setTimer(note('second'), 10)
  clock.setTimer(note('never'), 31)
  await clock.advance(30)
  expect(seen).toEqual(['first@10', 'second@10', 'late@30'])
  expect(clock.pending).toBe(1)
})

test('runs the timers that timers set, when they fall due within the same advance', async () => {
  const clock = virtualClock()
  const seen: number[] = []
  const again = () => {
    seen.push(clock.now())
    clock.setTimer(again, 10)
  }
  clock.setTimer(again, 10)
  await clock.advance(35)
  expect(seen).toEqual([10, 20, 30])
})

test('lets promises go on between two timers', async () => {
  const clock = virtualClock()
  const seen: string[] = []
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, ms))
  const work = async () => {
    await wait(10)
    await Promise.resolve().then(() => Promise.resolve())
    seen.push(`first at ${clock.now()}`)
    await wait(5)
    seen.push(`second at ${clock.now()}`)
  }
  const working = work()
  clock.setTimer(() => void seen.push(`other at ${clock.now()}`), 12)
  await clock.advance(100)
  await working
  expect(seen).toEqual(['first at 10', 'other at 12', 'second at 15'])
})

test('does not run what was cancelled, before or on the way', async () => {
  const clock = virtualClock()
  const seen: string[] = []
  clock.setTimer(() => void seen.push('cancelled'), 1)()
  const cancelLater = clock.setTimer(() => void seen.push('cancelled on the way'), 3)
  clock.setTimer(cancelLater, 2)
  await clock.advance(10)
  cancelLater()
  expect(seen).toEqual([])
  expect(clock.pending).toBe(0)
})

test('a jump of the wall clock moves neither timers nor the monotonic time', async () => {
  const clock = virtualClock({ date: 1_000_000 })
  let ran = false
  clock.setTimer(() => {
    ran = true
  }, 10)
  clock.setDate(5)
  await clock.advance(9)
  expect([clock.now(), clock.date(), ran]).toEqual([9, 14, false])
})

test('tells what a timer throws, and keeps the timers behind it', async () => {
  const clock = virtualClock()
  let ran = false
  clock.setTimer(() => {
    throw new Error('broken')
  }, 1)
  clock.setTimer(() => {
    ran = true
  }, 2)
  await expect(clock.advance(5)).rejects.toThrow('broken')
  expect([ran, clock.now(), clock.pending]).toEqual([false, 1, 1])
  await clock.advance(4)
  expect(ran).toBe(true)
})

test('stops a timer that sets itself again without end', async () => {
  const clock = virtualClock()
  const forever = () => void clock.setTimer(forever, 0)
  forever()
  await expect(clock.advance(1)).rejects.toThrow('sets itself again without end')
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, 2_147_483_648])(
  'refuses %d ms, which the machine would make 1 ms',
  async (ms) => {
    const clock = virtualClock()
    expect(() => clock.setTimer(() => {}, ms)).toThrow(RangeError)
    await expect(clock.advance(ms)).rejects.toThrow(RangeError)
  },
)

test('draws the same numbers for the same seed', () => {
  const draw = ({ random }: Clock) => [random(), random()]
  expect(draw(virtualClock({ seed: 3 }))).toEqual(draw(virtualClock({ seed: 3 })))
  expect(draw(virtualClock({ seed: 3 }))).not.toEqual(draw(virtualClock({ seed: 4 })))
})

test('runs each of any set of timers once, in order, in whatever steps it is moved', async () => {
  const delays = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 })
  const steps = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(delays, steps, async (delays, steps) => {
      const clock = virtualClock()
      const ran: number[] = []
      for (const delay of delays) clock.setTimer(() => void ran.push(clock.now()), delay)
      for (const step of steps) await clock.advance(step)
      await clock.advance(50)
      expect(ran).toEqual([...delays].sort((a, b) => a - b))
    }),
    { seed: 1, numRuns: 50 },
  )
})
