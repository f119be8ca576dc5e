import * as nodeTest from 'node:test'
import { type Checks, options } from '@gatelet/core'

/** Where the cases of a suite are registered. Those of vitest, jest, mocha, bun and node:test fit. */
export interface RunnerOptions {
  /** Groups the cases under a name. */
  describe?: (name: string, body: () => void) => unknown
  /** Registers one case. */
  test?: (name: string, run: () => void | Promise<void>) => unknown
}

/** One statement about an implementation, and what proves it. */
export interface Case {
  /** A sentence that completes "it …". */
  readonly name: string
  /** @throws AssertionError where it does not hold */
  run(): void | Promise<void>
}

/**
 * Registers a suite of cases.
 * @param runner default: the globals `describe` and `test`, else those of node:test
 * @throws GatewayError `BAD_OPTION` under a vitest without globals: it would not see what node:test runs
 */
export function registerSuite(name: string, cases: readonly Case[], runner: RunnerOptions): void {
  const { describe, test } = runnerOf(runner)
  describe(name, () => {
    for (const { name, run } of cases) test(name, run)
  })
}

function runnerOf(given: RunnerOptions): Required<RunnerOptions> {
  const globals = globalThis as RunnerOptions
  const { describe = globals.describe, test = globals.test } = given
  if (describe && test) return { describe, test }
  if (process.env['VITEST']) throw options.wrong(test, 'test', "vitest's own, and describe too: { describe, test } from 'vitest'")
  return { describe: nodeTest.describe, test: nodeTest.test }
}

/** What each option must be. */
export const runnerChecks: Checks<RunnerOptions> = {
  describe: options.optional(options.fn<NonNullable<RunnerOptions['describe']>>('a function (name, body)')),
  test: options.optional(options.fn<NonNullable<RunnerOptions['test']>>('a function (name, run)')),
}
