import type { CacheControl } from './control.ts'
import type { Kit } from './kit.ts'
import { tagOfKey } from './tags.ts'

/** What can be done with a cache beside asking through it. */
export function controlOf<S extends object>(kit: Kit<S>): CacheControl {
  const { store, per } = kit.settings
  return {
    purge(selector, options) {
      kit.outdate(selector)
      // All who may be given replies of a key have a part of their own.
      const isOfAll = per !== undefined && 'key' in selector
      return store.purge(isOfAll ? { tag: tagOfKey(selector.key) } : selector, options)
    },
    stats: () => kit.stats(),
  }
}
