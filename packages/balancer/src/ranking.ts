import { type Clock, type Endpoint, GatewayError, type Outcome, type Strategy, type StrategyFactory } from '@gatelet/core'
import type { Choice, Rotation } from './choice.ts'
import type { EndpointState } from './endpoint.ts'
import { leastRequests } from './strategies/least-requests.ts'

/** Asks the strategy, and stands in for it where it fails: a request must not suffer from a mistake in a strategy. */
export class Ranking {
  private readonly strategy: Strategy
  private readonly standIn: Strategy
  private readonly warn: (what: string) => void
  private hasStarted = false
  private hasWarned = false

  /** @throws what the factory throws; GatewayError `BAD_OPTION` when it does not make a strategy */
  constructor(factory: StrategyFactory, clock: Clock, name: string | undefined) {
    const env = { now: () => clock.now(), random: () => clock.random() }
    this.strategy = checkedStrategy(factory(env))
    this.standIn = leastRequests(env)
    this.warn = (what) => {
      if (this.hasWarned) return
      this.hasWarned = true
      const whose = name === undefined ? 'a balancer' : `the balancer ${JSON.stringify(name)}`
      process.emitWarning(`the strategy of ${whose} ${what}; where it fails, the least busy endpoint is picked`, 'GateletWarning')
    }
  }

  /** @throws what the strategy throws, the first time: what is wrong from the beginning stops the start */
  update(rotation: Rotation): void {
    this.standIn.update([...rotation])
    try {
      this.strategy.update([...rotation])
      this.hasStarted = true
    } catch (error) {
      if (!this.hasStarted) throw error
      this.warn(`threw when it was given new endpoints: ${shown(error)}`)
    }
  }

  /** @returns an endpoint that `choice` accepts, whatever the strategy does; undefined only when it accepts none */
  pick(choice: Choice): EndpointState | undefined {
    const picked = this.ask(choice)
    if (picked !== undefined && choice.accepts(picked)) return picked
    const instead = this.standIn.pick(choice)
    if (instead === undefined || !choice.accepts(instead)) return undefined
    this.warn('did not pick an endpoint that may be picked')
    return instead
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    try {
      this.strategy.report?.(endpoint, outcome)
    } catch (error) {
      this.warn(`threw when it was told of an outcome: ${shown(error)}`)
    }
  }

  private ask(choice: Choice): Endpoint | undefined {
    try {
      return this.strategy.pick(choice)
    } catch (error) {
      this.warn(`threw when it was to pick: ${shown(error)}`)
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
