import assert from 'node:assert/strict'
import type { Endpoint, Outcome, PickContext, Strategy, StrategyFactory } from '@gatelet/core'
import { seededRandom } from '../../seeded-random.ts'

/** What is put to the test. */
export interface StrategySubject {
  readonly factory: StrategyFactory
  /** What the endpoint at this place of the list has for metadata. */
  readonly metadata: (index: number) => Readonly<Record<string, unknown>>
}

/** An endpoint whose figures only a case can set, by `become`: a strategy that writes to one throws. */
export class SceneEndpoint implements Endpoint {
  readonly id: string
  readonly metadata: Readonly<Record<string, unknown>>
  #weight: number
  #inflight = 0

  constructor(index: number, weight: number, metadata: Readonly<Record<string, unknown>>) {
    this.id = `e${index}`
    this.metadata = metadata
    this.#weight = weight
    Object.freeze(this)
  }

  get weight(): number {
    return this.#weight
  }

  get inflight(): number {
    return this.#inflight
  }

  become({ weight = this.#weight, inflight = this.#inflight }: { weight?: number; inflight?: number }): void {
    this.#weight = weight
    this.#inflight = inflight
  }
}

/** One pick: default is that everybody may be picked, at the first attempt, without a key. */
export interface PickInit {
  readonly accepts?: (endpoint: Endpoint) => boolean
  readonly hashKey?: string | undefined
  readonly attempt?: number
}

/**
 * One strategy at work, as a balancer drives it: it filters (a weight of 0 is never acceptable) and counts, the strategy
 * ranks. Whatever a case is about, what is picked must be one of the last list that may be picked.
 */
export class Scene {
  readonly endpoints: readonly SceneEndpoint[]
  readonly strategy: Strategy
  now = 1_000
  private readonly asked = new Uint32Array(1)
  private listed: ReadonlySet<Endpoint> = new Set()

  /** @param weights one for each endpoint, or how many of weight 1 */
  constructor(subject: StrategySubject, weights: readonly number[] | number, seed = 1) {
    const list = typeof weights === 'number' ? new Array<number>(weights).fill(1) : weights
    this.endpoints = list.map((weight, at) => new SceneEndpoint(at, weight, subject.metadata(at)))
    const { asked } = this
    const random = seededRandom(seed)
    this.strategy = subject.factory({
      now: () => {
        asked[0] = (asked[0] as number) + 1
        return this.now
      },
      random: () => {
        asked[0] = (asked[0] as number) + 1
        return random()
      },
    })
    this.update(this.endpoints)
  }

  /** How often the strategy has asked for time or chance. */
  get numbersAskedFor(): number {
    return this.asked[0] ?? 0
  }

  update(endpoints: readonly SceneEndpoint[]): void {
    this.listed = new Set(endpoints)
    // A list of its own each time, as from a balancer.
    this.strategy.update([...endpoints])
  }

  pick(init: PickInit = {}): SceneEndpoint | undefined {
    const picked = this.strategy.pick(this.context(init))
    if (picked === undefined) return undefined
    assert.ok(this.listed.has(picked), `picked ${shown(picked)}, which is none of the endpoints of the last update`)
    assert.ok(this.accepts(picked, init), `picked ${picked.id}, which may not be picked`)
    return picked as SceneEndpoint
  }

  /** The ids of so many picks, `ms` apart. */
  picks(times: number, init?: PickInit, ms = 10): string[] {
    return Array.from({ length: times }, () => {
      this.now += ms
      return this.pick(init)?.id ?? 'nobody'
    })
  }

  report(endpoint: Endpoint, outcome: Outcome): void {
    this.strategy.report?.(endpoint, outcome)
  }

  context(init: PickInit = {}): PickContext {
    const { hashKey, attempt = 0 } = init
    return { hashKey, attempt, accepts: (endpoint) => this.accepts(endpoint, init) }
  }

  private accepts(endpoint: Endpoint, { accepts = () => true }: PickInit): boolean {
    return endpoint.weight > 0 && accepts(endpoint)
  }
}

const shown = (value: unknown): string =>
  typeof (value as Partial<Endpoint>)?.id === 'string' ? `an endpoint with the id ${(value as Endpoint).id}` : String(value)
