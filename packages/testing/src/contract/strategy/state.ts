import assert from 'node:assert/strict'
import type { Endpoint, Outcome } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { Scene, type StrategySubject } from './scene.ts'
import { withoutGlobals } from './without-globals.ts'

/** What a strategy keeps, and what it must not let change that. */
export function stateCases(subject: StrategySubject): Case[] {
  return [
    {
      name: 'takes time and chance from its environment alone',
      run: () => withoutGlobals(() => void story(new Scene(subject, uneven))),
    },
    {
      name: 'picks the same with the same seed and the same calls',
      run() {
        assertUnchanged(subject, story(new Scene(subject, uneven, 7)), 'the same seed and calls')
      },
    },
    {
      name: 'is not changed by an update with the same endpoints',
      run() {
        const updated = story(new Scene(subject, uneven, 7), (scene) => scene.update(scene.endpoints))
        assertUnchanged(subject, updated, 'updates with the same endpoints')
      },
    },
    {
      name: 'leaves the list that it is given alone',
      run() {
        const scene = new Scene(subject, [3, 1, 2, 5])
        for (const list of [[...scene.endpoints], [...scene.endpoints].reverse()]) {
          const before = [...list]
          scene.strategy.update(list)
          scene.picks(5)
          // A balancer may give one list to several: who sorts it in place changes it for the others.
          assert.deepEqual(ids(list), ids(before), 'the list that was given has another order now')
        }
      },
    },
    {
      name: 'forgets an endpoint that left, and takes it back when it returns',
      run() {
        const scene = new Scene(subject, 3)
        const [first, second] = scene.endpoints
        if (!first || !second) return
        for (let time = 0; time < 5; time++) {
          scene.update([second])
          assert.deepEqual(new Set(scene.picks(10)), new Set([second.id]))
          scene.update([first, second])
          assert.equal(scene.pick({ accepts: (endpoint) => endpoint === first })?.id, first.id)
        }
      },
    },
    {
      name: 'is told of any outcome without throwing, also of an endpoint that left',
      run() {
        const scene = new Scene(subject, 3)
        const [gone, ...left] = scene.endpoints
        scene.update(left)
        for (const endpoint of scene.endpoints) for (const outcome of outcomes) scene.report(endpoint, outcome)
        scene.update([])
        if (gone) scene.report(gone, outcomes[0] as Outcome)
        assert.equal(scene.pick(), undefined)
      },
    },
    {
      name: 'learns nothing from an attempt that was cancelled',
      run() {
        const cancelled: Outcome = { kind: 'cancelled', latencyMs: 60_000, status: 499 }
        const told = story(new Scene(subject, uneven, 7), (scene) => {
          for (const endpoint of scene.endpoints) scene.report(endpoint, cancelled)
        })
        assertUnchanged(subject, told, 'cancelled attempts')
      },
    },
    {
      name: 'explains without changing what it picks',
      run() {
        const asked = story(new Scene(subject, uneven, 7), (scene) => void scene.strategy.explain?.(scene.context()))
        assertUnchanged(subject, asked, 'questions')
      },
    },
    {
      name: 'explains each endpoint that may be picked, once, with a number',
      run() {
        const scene = new Scene(subject, uneven)
        const scores = scene.strategy.explain?.(scene.context({ accepts: ({ id }) => id !== 'e1' }))
        if (!scores) return
        assert.deepEqual(scores.map(({ id }) => id).sort(), ['e0', 'e2', 'e3', 'e4'])
        for (const { id, score } of scores) assert.ok(Number.isFinite(score), `the score of ${id} is ${score}`)
      },
    },
  ]
}

const ids = (endpoints: readonly Endpoint[]) => endpoints.map(({ id }) => id)

const uneven = [5, 1, 2, 3, 2]

/**
 * What is picked while requests come, go and are told of. The same for two strategies of the same seed, unless what
 * happens between the picks changed something.
 */
function story(scene: Scene, between: (scene: Scene) => void = () => {}): string[] {
  return Array.from({ length: 150 }, (_, at) => {
    scene.now += 10
    between(scene)
    const picked = scene.pick({ hashKey: `key ${at % 10}` })
    if (!picked) return 'nobody'
    for (const [place, endpoint] of scene.endpoints.entries()) endpoint.become({ inflight: (at * (place + 3)) % 7 })
    scene.report(picked, {
      kind: at % 5 === 0 ? 'failure' : 'success',
      latencyMs: 1 + ((at * 13) % 50),
      status: at % 5 ? 200 : 503,
    })
    return picked.id
  })
}

/** That a story goes as it does when nothing happens between the picks. */
function assertUnchanged(subject: StrategySubject, told: readonly string[], by: string): void {
  const expected = story(new Scene(subject, uneven, 7))
  const at = told.findIndex((id, at) => id !== expected[at])
  assert.equal(at, -1, `with ${by}, pick ${at} went to ${told[at]} instead of ${expected[at]}`)
}

const outcomes: readonly Outcome[] = [
  { kind: 'success', latencyMs: 0, status: 200 },
  { kind: 'success', latencyMs: 3_600_000 },
  { kind: 'failure', latencyMs: 0.001, status: 503, retryAfterMs: 86_400_000 },
  { kind: 'failure', latencyMs: 12 },
  { kind: 'cancelled', latencyMs: 0 },
]
