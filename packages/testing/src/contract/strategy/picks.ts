import assert from 'node:assert/strict'
import type { Endpoint, Outcome } from '@gatelet/core'
import { seededRandom } from '../../seeded-random.ts'
import type { Case } from '../suite.ts'
import { Scene, type StrategySubject } from './scene.ts'

/** Who is picked, and that somebody is. */
export function pickCases(subject: StrategySubject): Case[] {
  return [
    {
      name: 'picks nobody where there is nobody',
      run() {
        assert.equal(new Scene(subject, 0).pick(), undefined, 'of an empty list')
        assert.equal(new Scene(subject, 3).pick({ accepts: () => false }), undefined, 'of three that may not be picked')
      },
    },
    {
      name: 'picks one that may be picked whenever there is one, whatever happens',
      run() {
        for (const seed of [1, 2, 3]) walk(subject, seed)
      },
    },
    {
      name: 'finds the only one of a thousand that may be picked',
      run() {
        const scene = new Scene(
          subject,
          Array.from({ length: 1_000 }, (_, at) => 1 + (at % 3)),
        )
        for (let at = 0; at < 1_000; at += 37) {
          const only = scene.endpoints[at]
          for (const hashKey of [undefined, `key ${at}`])
            assert.equal(scene.pick({ accepts: (endpoint) => endpoint === only, attempt: 1, hashKey })?.id, only?.id)
        }
      },
    },
    {
      name: 'gives nothing to a weight of 0, and is not confused by it',
      run() {
        const scene = new Scene(subject, [0, 2, 0, 1])
        for (const id of scene.picks(50)) assert.ok(id === 'e1' || id === 'e3', `picked ${id}`)
        for (const endpoint of scene.endpoints) endpoint.become({ weight: 0 })
        scene.update(scene.endpoints)
        assert.equal(scene.pick(), undefined, 'of weights that are all 0')
        scene.endpoints[2]?.become({ weight: 5 })
        scene.update(scene.endpoints)
        assert.equal(scene.pick()?.id, 'e2')
      },
    },
    {
      name: 'asks about endpoints a bounded number of times',
      run() {
        for (const accepted of [undefined, 0, 999]) askedFor(subject, accepted)
      },
    },
  ]
}

/** A thousand endpoints of which one or none may be picked: looking at each ten times must do. */
function askedFor(subject: StrategySubject, accepted: number | undefined): void {
  const scene = new Scene(subject, 1_000)
  const only = accepted === undefined ? undefined : scene.endpoints[accepted]
  for (let time = 0; time < 20; time++) {
    let asked = 0
    scene.pick({
      hashKey: time % 2 === 0 ? undefined : `key ${time}`,
      accepts(endpoint) {
        assert.ok(++asked <= 10_000, 'asked about a thousand endpoints more than ten thousand times in one pick')
        return endpoint === only
      },
    })
  }
}

/** Endpoints come and go, get busy, slow and refused; time passes in steps from nothing to a day. */
function walk(subject: StrategySubject, seed: number): void {
  const chance = seededRandom(seed * 7919)
  const below = (limit: number) => Math.floor(chance() * limit)
  const scene = new Scene(subject, 12, seed)
  for (let round = 0; round < 200; round++) {
    scene.now += steps[below(steps.length)] as number
    for (const endpoint of scene.endpoints)
      endpoint.become({ weight: weights[below(weights.length)] as number, inflight: below(50) })
    const listed = scene.endpoints.filter(() => chance() < 0.7)
    const accepted = new Set<Endpoint>(listed.filter(() => chance() < 0.5))
    scene.update(listed)
    const isPossible = listed.some((endpoint) => endpoint.weight > 0 && accepted.has(endpoint))
    for (let attempt = 0; attempt < 4; attempt++) {
      const hashKey = chance() < 0.5 ? undefined : `key ${below(100)}`
      const picked = scene.pick({ accepts: (endpoint) => accepted.has(endpoint), attempt, hashKey })
      assert.equal(
        picked !== undefined,
        isPossible,
        `seed ${seed}, round ${round}: ${isPossible ? 'nobody' : 'somebody'} was picked`,
      )
      if (picked) scene.report(picked, outcome(chance))
    }
  }
}

const steps = [0, 1, 10, 1_000, 86_400_000]
const weights = [0, 1, 1, 2, 0.5, 17, 1_000_000]

function outcome(chance: () => number): Outcome {
  const kind = (['success', 'failure', 'cancelled'] as const)[Math.floor(chance() * 3)] ?? 'success'
  return { kind, latencyMs: chance() < 0.1 ? 0 : chance() * 10_000, status: kind === 'failure' ? 503 : 200 }
}
