import assert from 'node:assert/strict'
import type { Case } from '../suite.ts'
import { type RateStoreSubject, Scene } from './scene.ts'

/** What holds for a decision, whatever the rules. */
export function decisionCases(subject: RateStoreSubject): Case[] {
  const within = (name: string, body: (scene: Scene) => Promise<void>): Case => ({ name, run: () => Scene.with(subject, body) })
  return [
    within('takes from every rule, or from none when one has not enough', async (scene) => {
      const [wide, narrow] = [scene.window('fixed', 5, 'wide'), scene.gcra(1, 1, 'narrow')]
      const both = () => scene.ask(scene.request(wide), scene.request(narrow))
      assert.deepEqual(
        (await both()).map(({ allowed }) => allowed),
        [true, true],
      )
      for (let refused = 0; refused < 6; refused++) {
        const [of, by] = await both()
        assert.deepEqual([of?.allowed, by?.allowed], [true, false], 'each verdict must say it of its own rule')
        assert.equal(
          of?.remaining,
          4,
          `after ${refused + 1} refusals by another rule, ${of?.remaining} of 5 were left instead of 4`,
        )
      }
      assert.equal(await scene.passing(6, wide), 4)
    }),
    within('answers in the order of the requests, whichever rule refuses', async (scene) => {
      const rules = [scene.gcra(9, 1, 'one'), scene.window('fixed', 2, 'two'), scene.window('sliding', 3, 'three')]
      const ask = () => scene.ask(...rules.map((rule) => scene.request(rule)))
      assert.deepEqual(
        (await ask()).map(({ remaining }) => remaining),
        [0, 1, 2],
      )
      assert.deepEqual(
        (await ask()).map(({ allowed }) => allowed),
        [false, true, true],
      )
    }),
    within('counts keys apart, and rules of the same key, whatever is in their names', async (scene) => {
      const keys = [
        'a',
        'a:b',
        'a b',
        'b',
        '{a}',
        'A',
        'ä',
        'a\u0308',
        '\0a',
        '日本',
        '💡',
        'a'.repeat(200),
        `${'a'.repeat(199)}b`,
        '',
      ]
      const names = ['x', 'x:a', 'x a', '{x}']
      for (const key of keys) {
        for (const name of names) {
          const { allowed } = await scene.take(scene.window('fixed', 1, name), key)
          assert.ok(allowed, `the key ${JSON.stringify(key)} of the rule ${name} was counted with another one`)
        }
      }
      for (const key of keys) {
        const { allowed } = await scene.take(scene.window('fixed', 1, 'x'), key)
        assert.ok(!allowed, `the key ${JSON.stringify(key)} was not found again`)
      }
    }),
    within('does not take the end of a name for the beginning of a key', async (scene) => {
      for (const between of [':', ' ', '/', '|', '.', ',', '-', '']) {
        const long = scene.request(scene.window('fixed', 1, 'x'), `q${between}r`)
        const name = `x${between}${long.key.slice(0, -1 - between.length)}`
        const short = { ...scene.request(scene.window('fixed', 1, name)), key: 'r' }
        assert.equal((await scene.ask(long))[0]?.allowed, true)
        assert.equal((await scene.ask(short))[0]?.allowed, true, `the rule ${name} was counted with another one`)
      }
    }),
    within('admits no more than there is when many ask at the same time', async (scene) => {
      for (const rule of [
        scene.gcra(1, 10, 'many'),
        scene.window('fixed', 10),
        scene.window('sliding', 10),
        scene.concurrency(10),
      ]) {
        const verdicts = await Promise.all(Array.from({ length: 50 }, () => scene.take(rule, 'many')))
        const passed = verdicts.filter(({ allowed }) => allowed).length
        // With a clock that runs, one unit of gcra may have refilled meanwhile.
        assert.ok(
          passed === 10 || (rule.algorithm === 'gcra' && passed === 11),
          `${rule.algorithm}: ${passed} of 50 passed instead of 10`,
        )
      }
    }),
    within('counts costs, also fractions, and takes nothing for a cost of 0', async (scene) => {
      for (const rule of [
        scene.gcra(1, 10, 'costs'),
        scene.window('fixed', 10),
        scene.window('sliding', 10),
        scene.calendar(10, 'month'),
      ]) {
        const take = async (cost: number) => {
          const { allowed, remaining } = await scene.take(rule, 'costs', { cost })
          return allowed ? remaining : `refused with ${remaining}`
        }
        const found = [
          await take(4),
          await take(0),
          await take(2.5),
          await take(4),
          await take(3.5),
          await take(1),
          await take(0),
        ]
        assert.deepEqual(
          found,
          [6, 6, 3, 'refused with 3', 0, 'refused with 0', 0],
          `${rule.algorithm}: what was left after each cost`,
        )
      }
    }),
    within('never has what costs more than there ever is', async (scene) => {
      for (const rule of [
        scene.gcra(20, 5, 'dear'),
        scene.window('fixed', 5),
        scene.window('sliding', 5),
        scene.calendar(5, 'day'),
      ]) {
        const { allowed, retryAfterMs } = await scene.take(rule, 'dear', { cost: 6 })
        assert.deepEqual({ allowed, retryAfterMs }, { allowed: false, retryAfterMs: Number.POSITIVE_INFINITY }, rule.algorithm)
        assert.equal((await scene.take(rule, 'dear', { cost: 5 })).allowed, true, `${rule.algorithm}: a refusal took something`)
      }
    }),
    within('goes on counting when the numbers of a rule change', async (scene) => {
      assert.equal(await scene.passing(4, scene.window('fixed', 4, 'plan')), 4)
      const { allowed, remaining } = await scene.take(scene.window('fixed', 10, 'plan'))
      assert.deepEqual({ allowed, remaining }, { allowed: true, remaining: 5 })
      assert.equal(await scene.passing(9, scene.gcra(1, 9, 'plan')), 9)
      assert.equal((await scene.take(scene.gcra(1, 10, 'plan'))).allowed, true)
      assert.equal((await scene.take(scene.gcra(1, 10, 'plan'))).allowed, false)
    }),
    within('gcra: keeps the time until all has refilled when the rate of a rule changes', async (scene) => {
      const [slow, fast] = [scene.gcra(1, 2, 'rate'), scene.gcra(10, 10, 'rate')]
      await scene.take(slow)
      assert.equal((await scene.take(fast, 'a', { cost: 0 })).remaining, 0, 'one unit in 10 was taken: that many of one in 1')
      await scene.advance(5)
      const { remaining } = await scene.take(fast, 'a', { cost: 0 })
      assert.ok(remaining === 5 || remaining === 6, `half of the time later ${remaining} of 10 were left instead of 5`)
    }),
  ]
}
