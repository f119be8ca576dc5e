import assert from 'node:assert/strict'
import type { Endpoint } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { Scene, type StrategySubject } from './scene.ts'

/** For strategies that send requests with the same key to the same endpoint. */
export function hashingCases(subject: StrategySubject): Case[] {
  return [
    {
      name: 'sends a key to the same endpoint, in any process and whatever the order of the list',
      run() {
        const here = new Scene(subject, 10, 1)
        const there = new Scene(subject, 10, 2)
        there.update([...there.endpoints].reverse())
        there.now += 5_000
        const expected = places(here)
        const moved = places(there).filter((id, at) => id !== expected[at]).length
        assert.equal(moved, 0, `${moved} of ${keys.length} keys go elsewhere where the list has another order`)
      },
    },
    {
      name: 'sends a key that is refused to the same next one each time',
      run() {
        const scene = new Scene(subject, 10)
        for (const hashKey of keys.slice(0, 100)) {
          const first = scene.pick({ hashKey })
          const accepts = (endpoint: Endpoint) => endpoint !== first
          const next = () => scene.pick({ hashKey, accepts, attempt: 1 })?.id
          assert.equal(next(), next(), `${hashKey} was sent to two endpoints when its first one refused`)
        }
      },
    },
    {
      name: 'leaves nearly all keys where they are when another endpoint leaves',
      run() {
        const scene = new Scene(subject, 10)
        const before = places(scene)
        scene.update(scene.endpoints.slice(1))
        const after = places(scene)
        const stayed = before.filter((id) => id !== 'e0').length
        const moved = before.filter((id, at) => id !== 'e0' && id !== after[at]).length
        assert.ok(moved <= stayed / 20, `${moved} of ${stayed} keys of the others moved`)
      },
    },
    {
      name: 'spreads keys over the endpoints',
      run() {
        const counts = new Map<string, number>()
        for (const id of places(new Scene(subject, 10))) counts.set(id, (counts.get(id) ?? 0) + 1)
        assert.equal(counts.size, 10, 'somebody got no key')
        const most = Math.max(...counts.values())
        assert.ok(most <= (2 * keys.length) / 10, `one of ten got ${most} of ${keys.length} keys`)
      },
    },
    {
      name: 'picks for a request without a key too',
      run: () => assert.ok(new Scene(subject, 3).pick(), 'nobody was picked'),
    },
  ]
}

const keys = Array.from({ length: 5_000 }, (_, at) => `user-${at}`)

const places = (scene: Scene): string[] => keys.map((hashKey) => scene.pick({ hashKey })?.id ?? 'nobody')
