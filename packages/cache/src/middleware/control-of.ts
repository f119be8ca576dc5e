import { isPromise, type MaybePromise } from '@gatelet/core'
import type { CacheControl } from './control.ts'
import type { Kit } from './kit.ts'

/** What can be done with a cache beside asking through it. */
export function controlOf<S extends object>(kit: Kit<S>): CacheControl {
  const { store } = kit.settings
  return {
    purge: (selector, options) => total(kit.outdate(selector).map((each) => store.purge(each, options))),
    stats: () => kit.stats(),
  }
}

function total(counts: readonly MaybePromise<number>[]): MaybePromise<number> {
  const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0)
  return counts.some(isPromise) ? Promise.all(counts).then(sum) : sum(counts as readonly number[])
}
