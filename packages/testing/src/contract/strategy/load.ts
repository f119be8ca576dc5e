import assert from 'node:assert/strict'
import type { Case } from '../suite.ts'
import { Scene, type StrategySubject } from './scene.ts'

/** For strategies that look at how busy endpoints are. */
export function loadCases(subject: StrategySubject): Case[] {
  return [
    {
      name: 'picks the less busy of two',
      run() {
        const scene = new Scene(subject, 2)
        for (let time = 0; time < 100; time++) {
          const busy = time % 2
          scene.endpoints[busy]?.become({ inflight: 1 + (time % 9) })
          scene.endpoints[1 - busy]?.become({ inflight: 0 })
          assert.equal(scene.pick()?.id, `e${1 - busy}`)
        }
      },
    },
    {
      name: 'spreads requests that do not end',
      run() {
        // Where each goes to one of n by chance alone, somebody gets about 3, 4 and 6 of n; two choices get 2, 3 and 3.
        for (const [count, most] of [
          [10, 3],
          [100, 4],
          [1_000, 4],
        ] as const) {
          const scene = new Scene(subject, count)
          for (let sent = 0; sent < count; sent++) {
            const picked = scene.pick()
            picked?.become({ inflight: picked.inflight + 1 })
          }
          const busiest = Math.max(...scene.endpoints.map(({ inflight }) => inflight))
          assert.ok(busiest <= most, `of ${count} requests to as many endpoints one got ${busiest}`)
        }
      },
    },
  ]
}
