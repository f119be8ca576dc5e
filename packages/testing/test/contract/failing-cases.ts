import type { RunnerOptions } from '@gatelet/testing'

type Register = (runner: Required<RunnerOptions>) => void

/** Registers a suite with a runner of its own. @returns its cases */
export function casesOf(register: Register): Map<string, () => void | Promise<void>> {
  const cases = new Map<string, () => void | Promise<void>>()
  register({ describe: (_name, body) => body(), test: (name, run) => void cases.set(name, run) })
  return cases
}

/** Runs a suite, all cases at the same time. @returns those that fail, with what they say */
export async function failingCases(register: Register): Promise<Map<string, unknown>> {
  const failed = new Map<string, unknown>()
  const attempts = [...casesOf(register)].map(async ([name, run]) => {
    try {
      await run()
    } catch (error) {
      failed.set(name, error)
    }
  })
  await Promise.all(attempts)
  return failed
}
