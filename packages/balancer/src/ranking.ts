import {
  type Clock,
  type Endpoint,
  GatewayError,
  type Outcome,
  type PickContext,
  type Strategy,
  type StrategyFactory,
} from '@gatelet/core'
import type { Choice, Rotation } from './choice.ts'
import type { EndpointState } from './endpoint.ts'
import { leastRequests } from './strategies/least-requests.ts'

/** Makes what ranks a group of endpoints: there is a strategy for each priority, zone and subset. */
export class Rankings {
  private readonly factory: StrategyFactory
  private readonly env: { now(): number; random(): number }
  private readonly whose: string
  private hasWarned = false
  /** Once the balancer runs, a strategy that cannot be made is replaced and does not stop anything. */
  hasStarted = false

  constructor(factory: StrategyFactory, clock: Clock, name: string | undefined) {
    this.factory = factory
    this.env = { now: () => clock.now(), random: () => clock.random() }
    this.whose = name === undefined ? 'a balancer' : `the balancer ${JSON.stringify(name)}`
  }

  /** @throws before the start, what the factory throws; GatewayError `BAD_OPTION` when it does not make a strategy */
  make(): Ranking {
    return new Ranking(this, this.strategy(), leastRequests(this.env))
  }

  /** Once for each balancer: a strategy that fails would fill the log otherwise. */
  warn(what: string): void {
    if (this.hasWarned) return
    this.hasWarned = true
    const message = `the strategy of ${this.whose} ${what}; where it fails, the least busy endpoint is picked`
    process.emitWarning(message, 'GateletWarning')
  }

  private strategy(): Strategy {
    try {
      return checkedStrategy(this.factory(this.env))
    } catch (error) {
      if (!this.hasStarted) throw error
      this.warn(`could not be made once more: ${shown(error)}`)
      return leastRequests(this.env)
    }
  }
}

/** Asks the strategy, and stands in for it where it fails: a request must not suffer from a mistake in a strategy. */
export class Ranking {
  private readonly owner: Rankings
  private readonly strategy: Strategy
  private readonly standIn: Strategy

  constructor(owner: Rankings, strategy: Strategy, standIn: Strategy) {
    this.owner = owner
    this.strategy = strategy
    this.standIn = standIn
  }

  /** @throws what the strategy throws before the start: what is wrong from the beginning stops it */
  update(rotation: Rotation): void {
    this.standIn.update([...rotation])
    try {
      this.strategy.update([...rotation])
    } catch (error) {
      if (!this.owner.hasStarted) throw error
      this.owner.warn(`threw when it was given new endpoints: ${shown(error)}`)
    }
  }

  /** @returns an endpoint that `choice` accepts, whatever the strategy does; undefined only when it accepts none */
  pick(choice: Choice): EndpointState | undefined {
    const picked = this.ask(choice)
    if (picked !== undefined && choice.accepts(picked)) return picked
    const instead = this.standIn.pick(choice)
    if (instead === undefined || !choice.accepts(instead)) return undefined
    this.owner.warn('did not pick an endpoint that may be picked')
    return instead
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    try {
      this.strategy.report?.(endpoint, outcome)
    } catch (error) {
      this.owner.warn(`threw when it was told of an outcome: ${shown(error)}`)
    }
  }

  /** The scores that the strategy gives to what `context` accepts; undefined when it gives none. */
  explain(context: PickContext): readonly { id: string; score: number }[] | undefined {
    try {
      return this.strategy.explain?.(context)
    } catch (error) {
      this.owner.warn(`threw when it was to explain: ${shown(error)}`)
      return undefined
    }
  }

  private ask(choice: Choice): Endpoint | undefined {
    try {
      return this.strategy.pick(choice)
    } catch (error) {
      this.owner.warn(`threw when it was to pick: ${shown(error)}`)
      return undefined
    }
  }
}

function checkedStrategy(made: Strategy | undefined): Strategy {
  if (typeof made?.pick === 'function' && typeof made.update === 'function') return made
  const message = 'createBalancer: strategy must be a factory whose strategies have update and pick'
  throw new GatewayError('BAD_OPTION', { path: 'strategy', message })
}

const shown = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
