import assert from 'node:assert/strict'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { PickContext } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { Scene, type StrategySubject } from './scene.ts'

/** What a pick costs. */
export function costCases(subject: StrategySubject): Case[] {
  return [
    {
      name: 'allocates nothing for a pick',
      run() {
        for (const weights of [even, uneven]) {
          const { least, allowed } = bytesPerPick(subject, weights)
          assert.ok(least < allowed, `${least.toFixed(1)} bytes for a pick of ${weights.length} endpoints`)
        }
      },
    },
  ]
}

const even = new Array<number>(16).fill(1)
const uneven = even.map((_, at) => 1 + (at % 5))

// So few that the engine does not collect on its own within a round.
const PICKS = 5_000

// Until the engine has compiled the pick, which it does beside us when it gets to it, every fraction is an object.
const ROUNDS = 100

// What the engine makes of plain code is not the strategy's doing: the iterator of a loop that is left early is an object on
// some versions, and so is a fraction that goes into or out of a call which is not inlined. So there is room for the first,
// and for two of the others for each number that is asked for. A list or a closure does not fit in.
const BYTES_OF_A_LOOP = 48
const BYTES_OF_A_NUMBER = 32

function bytesPerPick(subject: StrategySubject, weights: readonly number[]): { least: number; allowed: number } {
  const scene = new Scene(subject, weights)
  const { strategy } = scene
  const context: PickContext = { hashKey: 'key', attempt: 0, accepts: () => true }
  const allowed = BYTES_OF_A_LOOP + numbersAskedFor(scene, context) * BYTES_OF_A_NUMBER
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS && least >= allowed; round++) {
    collectGarbage()
    const before = getHeapStatistics().used_heap_size
    for (let pick = 0; pick < PICKS; pick++) strategy.pick(context)
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / PICKS)
  }
  return { least, allowed }
}

/** How often a pick asks for time or chance. */
function numbersAskedFor(scene: Scene, context: PickContext): number {
  const before = scene.numbersAskedFor
  for (let pick = 0; pick < 100; pick++) scene.strategy.pick(context)
  return (scene.numbersAskedFor - before) / 100
}

let gc: (() => void) | undefined

function collectGarbage(): void {
  if (!gc) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('gc') as () => void
  }
  gc()
}
