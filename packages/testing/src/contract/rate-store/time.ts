import assert from 'node:assert/strict'
import type { CalendarRule } from '@gatelet/rate-limiter'
import type { Case } from '../suite.ts'
import { assertTime, type RateStoreSubject, Scene } from './scene.ts'

/** How counts run out. */
export function timeCases(subject: RateStoreSubject): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(subject, body) })
  return [
    within('gcra: admits the burst at once, then one unit for each interval', async (scene) => {
      // One in five units of time.
      const rule = scene.gcra(2, 4)
      const left = []
      for (let taken = 0; taken < 4; taken++) left.push((await scene.take(rule)).remaining)
      assert.deepEqual(left, [3, 2, 1, 0])
      const refused = await scene.take(rule)
      assert.equal(refused.allowed, false)
      assertTime(scene, refused.retryAfterMs, 5, 'retryAfterMs')
      assertTime(scene, refused.resetMs, 5, 'resetMs')
      await scene.advance(5.1)
      assert.equal(await scene.passing(3, rule), 1, 'after one interval')
      await scene.advance(10.1)
      assert.equal(await scene.passing(4, rule), 2, 'after two intervals')
    }),
    within('gcra: is full again after the burst has refilled, and never fuller', async (scene) => {
      const rule = scene.gcra(10, 3)
      await scene.passing(3, rule)
      await scene.advance(9)
      assert.equal(await scene.passing(5, rule), 3)
    }),
    within('fixed: begins a window with the first unit, and another when that is over', async (scene) => {
      const rule = scene.window('fixed', 2)
      await scene.advance(3)
      assert.equal(await scene.passing(2, rule), 2)
      await scene.advance(4)
      const refused = await scene.take(rule)
      assert.equal(refused.allowed, false)
      assertTime(scene, refused.retryAfterMs, 6, 'retryAfterMs')
      await scene.advance(6.1)
      assert.equal(await scene.passing(3, rule), 2, 'in the next window')
    }),
    within('sliding: counts the part of the window before that is still covered', async (scene) => {
      const rule = scene.window('sliding', 10)
      // To just after the beginning of a window, which is the same for all keys. A tenth of a unit after, since timers may be early.
      await scene.take(rule, 'probe', { cost: 10 })
      const { resetMs } = await scene.take(rule, 'probe')
      await scene.advance(Math.max(0, resetMs / scene.unitMs - 0.9))
      assert.equal((await scene.take(rule, 'a', { cost: 10 })).allowed, true)
      await scene.advance(10)
      const early = await scene.take(rule)
      assert.ok(early.remaining <= 1, `${early.remaining} were left at the beginning of a window, after one that was used up`)
      await scene.advance(5)
      const passed = await scene.passing(10, rule)
      assert.ok(passed >= 3 && passed <= 6, `half a window later ${passed} passed instead of about 5`)
      await scene.advance(20)
      assert.equal(await scene.passing(11, rule), 10, 'two windows later')
    }),
    within('counts nothing of a refusal: who asks on waits no longer', async (scene) => {
      for (const rule of [scene.gcra(2, 2, 'asks-on'), scene.window('fixed', 2)]) {
        await scene.passing(2, rule, 'asks-on')
        for (let asked = 0; asked < 20; asked++) {
          const { allowed, retryAfterMs } = await scene.take(rule, 'asks-on')
          assert.equal(allowed, false)
          assert.ok(
            retryAfterMs <= 10 * scene.unitMs + 1,
            `${rule.algorithm}: after ${asked} refusals the wait is ${retryAfterMs} ms`,
          )
        }
        await scene.advance(10.1)
        assert.equal((await scene.take(rule, 'asks-on')).allowed, true, `${rule.algorithm}: refusals were counted`)
      }
    }),
    within('calendar: counts until the day, the week or the month is over, in UTC', async (scene) => {
      for (const unit of ['day', 'week', 'month'] as const) {
        const rule = scene.calendar(2, unit)
        assert.equal(await scene.passing(3, rule), 2)
        const { resetMs } = await scene.take(rule)
        const most = { day: 1, week: 7, month: 31 } satisfies Record<CalendarRule['unit'], number>
        assert.ok(resetMs > 0 && resetMs <= most[unit] * 86_400_000, `${unit}: more is left in ${resetMs} ms`)
      }
    }),
  ]
}
