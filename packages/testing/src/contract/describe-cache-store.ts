import { type Checks, checkOptions, options } from '@gatelet/core'
import { bodyCases } from './cache-store/bodies.ts'
import { changeCases } from './cache-store/changes.ts'
import { entryCases } from './cache-store/entries.ts'
import type { StartCacheStore } from './cache-store/scene.ts'
import { type RunnerOptions, registerSuite, runnerChecks } from './suite.ts'

/**
 * Registers the cases that every store of replies must pass: an entry is there whole or not at all, variants and keys are apart,
 * bytes are never mixed, what is renewed is what was read, and a purge reaches what is being written too.
 * @param start starts a store for each case, which holds nothing that others need: one case purges all
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const start = () => ({ store: myStore({ maxEntryBytes: 300_000, maxVariants: 4 }), maxEntryBytes: 300_000, maxVariants: 4 })
 * describeCacheStore('my store', start, { describe, test })
 */
export function describeCacheStore(name: string, start: StartCacheStore, given: RunnerOptions = {}): void {
  const checked = checkOptions('describeCacheStore', { ...given, name, start }, checks)
  const cases = [...entryCases(checked.start), ...bodyCases(checked.start), ...changeCases(checked.start)]
  registerSuite(checked.name, cases, checked)
}

interface Given extends RunnerOptions {
  readonly name: string
  readonly start: StartCacheStore
}

const checks: Checks<Given> = {
  ...runnerChecks,
  name: options.string,
  start: options.fn<StartCacheStore>('a function that starts a store'),
}
