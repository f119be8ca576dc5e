import type { RunnerOptions } from '@gatelet/testing'

type Register = (runner: Required<RunnerOptions>) => void

/** Registers a suite with a runner of its own. @returns its cases */
export function casesOf(register: Register): Map<string, () => void | Promise<void>> {
  const cases = new Map<string, () => void | Promise<void>>()
  register({ describe: (_name, body) => body(), test: (name, run) => void cases.set(name, run) })
  return cases
}

/** Runs a suite. @returns the cases that fail, with what they say */
export async function failingCases(register: Register): Promise<Map<string, unknown>> {
  const failed = new Map<string, unknown>()
  for (const [name, run] of casesOf(register)) {
    try {
      await run()
    } catch (error) {
      failed.set(name, error)
    }
  }
  return failed
}
