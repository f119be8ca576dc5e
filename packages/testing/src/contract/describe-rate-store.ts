import { type Checks, checkOptions, options } from '@gatelet/core'
import { decisionCases } from './rate-store/decisions.ts'
import { givingCases } from './rate-store/giving.ts'
import type { StartRateStore } from './rate-store/scene.ts'
import { timeCases } from './rate-store/time.ts'
import { type RunnerOptions, registerSuite, runnerChecks } from './suite.ts'

/** How time passes for a store, and where its cases are registered. */
export interface RateStoreSuiteOptions extends RunnerOptions {
  /**
   * The unit of time of the cases, in milliseconds, 10 to 60,000. A store that goes by real time needs one that is long beside
   * the time of a call: with 200 the suite waits for half a minute, all its cases one after another. Default: 1,000.
   */
  unitMs?: number
}

/**
 * Registers the cases that every store of rate limits must pass: decisions over several rules are all or nothing, also when
 * many ask at the same time; keys are apart; counts run out as each rule says; what is given back is there once.
 * @param start starts a store for each case; several at the same time may share what is behind them
 * @throws GatewayError `BAD_OPTION`
 * @example describeRateStore('my store', () => ({ store: myStore(clock), advance: (ms) => clock.advance(ms) }), { describe, test })
 */
export function describeRateStore(name: string, start: StartRateStore, given: RateStoreSuiteOptions = {}): void {
  const checked = checkOptions('describeRateStore', { ...given, name, start }, checks)
  const subject = { start: checked.start, unitMs: checked.unitMs ?? 1_000 }
  const cases = [...decisionCases(subject), ...timeCases(subject), ...givingCases(subject)]
  registerSuite(checked.name, cases, checked)
}

interface Given extends RateStoreSuiteOptions {
  readonly name: string
  readonly start: StartRateStore
}

const checks: Checks<Given> = {
  ...runnerChecks,
  name: options.string,
  start: options.fn<StartRateStore>('a function that starts a store'),
  unitMs: options.optional(options.number({ min: 10, max: 60_000, unit: 'milliseconds' })),
}
