import { type Check, type Checks, checkOptions, options, type StrategyFactory } from '@gatelet/core'
import { costCases } from './strategy/cost.ts'
import { hashingCases } from './strategy/hashing.ts'
import { loadCases } from './strategy/load.ts'
import { pickCases } from './strategy/picks.ts'
import { stateCases } from './strategy/state.ts'
import { type RunnerOptions, registerSuite, runnerChecks } from './suite.ts'

/** What a strategy promises beyond what every strategy must, and where its cases are registered. */
export interface StrategySuiteOptions extends RunnerOptions {
  /** It looks at requests in flight: of two it picks the less busy, and requests that do not end are spread. Default: false. */
  seesLoad?: boolean
  /** It sends requests with the same key to the same endpoint. Default: false. */
  hashes?: boolean
  /** A pick may allocate. For most 100 bytes are nothing; ten thousand picks a second make that a collection now and then. Default: false. */
  mayAllocate?: boolean
  /** What the endpoint at this place of the list has for metadata, for strategies that read it. Default: nothing. */
  metadata?: (index: number) => Readonly<Record<string, unknown>>
}

/**
 * Registers the cases that every strategy must pass: it picks somebody whenever there is somebody, never somebody else,
 * keeps what it knows, takes time and chance from its environment, explains without side effects, allocates nothing.
 * Seeds are fixed and time is virtual, so that a failure comes back.
 *
 * The cases drive a strategy as a balancer does: a weight of 0 is never acceptable, and requests in flight are counted
 * outside of it.
 * @throws GatewayError `BAD_OPTION`
 * @example describeStrategy('cheapestFirst', cheapestFirst, { describe, test, seesLoad: true })
 */
export function describeStrategy(name: string, factory: StrategyFactory, given: StrategySuiteOptions = {}): void {
  const checked = checkOptions('describeStrategy', { ...given, name, factory }, checks)
  const { seesLoad, hashes, mayAllocate, metadata = nothing } = checked
  const subject = { factory: checked.factory, metadata }
  const cases = [
    // First: the engine compiles a pick for what it has seen, and the other cases show it much that no balancer does.
    ...(mayAllocate ? [] : costCases(subject)),
    ...pickCases(subject),
    ...stateCases(subject),
    ...(seesLoad ? loadCases(subject) : []),
    ...(hashes ? hashingCases(subject) : []),
  ]
  registerSuite(checked.name, cases, checked)
}

const nothing = () => Object.freeze({})

interface Given extends StrategySuiteOptions {
  readonly name: string
  readonly factory: StrategyFactory
}

const factory: Check<StrategyFactory> = options.fn<StrategyFactory>('a strategy factory')

const checks: Checks<Given> = {
  ...runnerChecks,
  name: options.string,
  factory,
  seesLoad: options.optional(options.boolean),
  hashes: options.optional(options.boolean),
  mayAllocate: options.optional(options.boolean),
  metadata: options.optional(options.fn<NonNullable<StrategySuiteOptions['metadata']>>('a function of the index')),
}
