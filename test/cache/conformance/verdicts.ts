import type { PublicResults, PublicTest } from './suite.ts'

/** What became of one test. */
export interface Verdict extends PublicTest {
  /** `unclear`: one that it needs failed, or its preparations did. */
  readonly fate: 'pass' | 'fail' | 'unclear'
  readonly message: string
}

/** Reads results as the suite's own pages do: a test whose needs are not met has not passed. */
export function verdicts(tests: readonly PublicTest[], results: PublicResults): Verdict[] {
  const known = new Map(tests.map((test) => [test.id, test]))
  const passes = (id: string): boolean => results[id] === true && (known.get(id)?.needs ?? []).every(passes)
  return tests.map((test) => {
    const result = results[test.id]
    if (result === undefined) return { ...test, fate: 'fail', message: 'it was not run' }
    const unmet = test.needs.find((id) => !passes(id))
    if (unmet !== undefined) return { ...test, fate: 'unclear', message: `needs ${unmet}` }
    if (result === true) return { ...test, fate: 'pass', message: '' }
    return { ...test, fate: result[0] === 'Setup' ? 'unclear' : 'fail', message: result[1] }
  })
}

/** How many of each kind passed: `160 of 165`. */
export function counted(all: readonly Verdict[], kind: PublicTest['kind']): { readonly passed: number; readonly of: number } {
  const some = all.filter((each) => each.kind === kind)
  return { passed: some.filter(({ fate }) => fate === 'pass').length, of: some.length }
}
