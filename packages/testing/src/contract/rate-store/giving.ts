import assert from 'node:assert/strict'
import type { RateRule } from '@gatelet/rate-limiter'
import type { Case } from '../suite.ts'
import { type RateStoreSubject, Scene } from './scene.ts'

/** What is given back, and slots. */
export function givingCases(subject: RateStoreSubject): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(subject, body) })
  return [
    within('takes back what it is given, and is never fuller than full', async (scene) => {
      for (const rule of counted(scene)) {
        const request = scene.request(rule, 'back', { cost: 4 })
        const [taken] = await scene.ask(request)
        await scene.give({ ...request, cost: 3, stamp: taken?.stamp })
        assert.equal(
          (await scene.take(rule, 'back', { cost: 0 })).remaining,
          4,
          `${rule.algorithm}: 4 of 5 were taken, 3 given back`,
        )
        await scene.give({ ...request, cost: 100, stamp: taken?.stamp })
        assert.equal(await scene.passing(7, rule, 'back'), 5, `${rule.algorithm}: more was given back than there ever is`)
      }
    }),
    within('takes more, without asking, where a negative cost is given', async (scene) => {
      for (const rule of counted(scene)) {
        const request = scene.request(rule, 'more', { cost: 1 })
        const [taken] = await scene.ask(request)
        await scene.give({ ...request, cost: -3, stamp: taken?.stamp })
        assert.equal(
          (await scene.take(rule, 'more', { cost: 0 })).remaining,
          1,
          `${rule.algorithm}: 1 of 5 and 3 more were taken`,
        )
        await scene.give({ ...request, cost: -10, stamp: taken?.stamp })
        assert.equal((await scene.take(rule, 'more')).allowed, false, `${rule.algorithm}: more was taken than there is`)
      }
      await scene.give(scene.request(scene.window('fixed', 1), 'banned', { cost: -2 }))
      assert.equal(
        (await scene.take(scene.window('fixed', 1), 'banned', { cost: 0 })).allowed,
        false,
        'of a key that was not known',
      )
    }),
    within('leaves no more than if it had never been taken, when what is given back is long over', async (scene) => {
      for (const rule of [scene.gcra(10, 2, 'late'), scene.window('fixed', 2)]) {
        const request = scene.request(rule, 'late', { cost: 2 })
        const [taken] = await scene.ask(request)
        await scene.advance(11)
        assert.equal(await scene.passing(2, rule, 'late'), 2)
        await scene.give({ ...request, stamp: taken?.stamp })
        assert.equal(
          (await scene.take(rule, 'late')).allowed,
          false,
          `${rule.algorithm}: what had refilled was given a second time`,
        )
      }
    }),
    within('concurrency: has so many slots, and one more for each that is given back', async (scene) => {
      const rule = scene.concurrency(2)
      const [first, second, third] = [scene.request(rule), scene.request(rule), scene.request(rule)]
      assert.equal((await scene.ask(first))[0]?.remaining, 1)
      assert.equal((await scene.ask(second))[0]?.remaining, 0)
      assert.equal((await scene.ask(third))[0]?.allowed, false)
      await scene.give(first)
      assert.equal((await scene.ask(third))[0]?.allowed, true)
      assert.equal((await scene.ask(first))[0]?.allowed, false)
    }),
    within('concurrency: frees one slot for a lease, however often it is given back', async (scene) => {
      const rule = scene.concurrency(2)
      const [first, second] = [scene.request(rule), scene.request(rule)]
      await scene.ask(first)
      await scene.ask(second)
      for (let given = 0; given < 3; given++) await scene.give(first)
      await scene.give(scene.request(rule))
      const verdicts = [await scene.take(rule), await scene.take(rule)].map(({ allowed }) => allowed)
      assert.deepEqual(verdicts, [true, false], 'slots that were free after one of two leases had ended')
    }),
    within('concurrency: counts a lease once that is taken again, and always lets it have its slot', async (scene) => {
      const rule = scene.concurrency(1)
      const lease = scene.request(rule)
      for (let taken = 0; taken < 3; taken++)
        assert.equal((await scene.ask(lease))[0]?.allowed, true, 'a lease that is held already')
      await scene.give(lease)
      assert.equal(
        (await scene.take(rule)).allowed,
        true,
        'the slot after its lease had been taken three times and given back once',
      )
    }),
    within('concurrency: holds no slot for a request that another rule refuses', async (scene) => {
      const [slots, none] = [scene.concurrency(1), scene.window('fixed', 1, 'none')]
      await scene.take(none)
      const verdicts = await scene.ask(scene.request(slots), scene.request(none))
      assert.deepEqual(
        verdicts.map(({ allowed }) => allowed),
        [true, false],
      )
      assert.equal((await scene.take(slots)).allowed, true, 'the slot of who was refused by another rule')
    }),
  ]
}

function counted(scene: Scene): readonly RateRule[] {
  return [scene.gcra(1, 5, 'given'), scene.window('fixed', 5), scene.window('sliding', 5), scene.calendar(5, 'month')]
}
