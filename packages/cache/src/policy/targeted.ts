import type { ReadonlyHeaders } from '@gatelet/core'
import { type BareItem, parseDictionary } from 'structured-headers'
import { type Directives, parseCacheControl } from './cache-control.ts'

/** The directives that hold for this cache, and whether they were aimed at caches of its kind. */
export interface Governing {
  readonly directives: Directives
  /** Then `Cache-Control` and `Expires` say nothing (RFC 9213 §2.2). */
  readonly isTargeted: boolean
}

/**
 * The directives of the first of the targeted fields that is there, valid and not empty, else those of `Cache-Control`
 * (RFC 9213 §2.2).
 * @param targets names of fields, the most specific first
 */
export function governing(headers: ReadonlyHeaders, targets: readonly string[]): Governing {
  for (const target of targets) {
    const directives = parseTargeted(headers.get(target))
    if (directives) return { directives, isTargeted: true }
  }
  return { directives: parseCacheControl(headers.getAll('cache-control')), isTargeted: false }
}

/** Reads a targeted field, which is a Dictionary (RFC 9213 §2.1). Undefined for one that must be ignored. */
function parseTargeted(field: string | undefined): Directives | undefined {
  if (field === undefined) return undefined
  try {
    const found = new Map<string, string | true>()
    for (const [name, [value]] of parseDictionary(field)) {
      const said = Array.isArray(value) ? value.map(([item]) => String(item)).join(',') : meant(name, value)
      if (said !== false) found.set(name, said)
    }
    return found.size > 0 ? found : undefined
  } catch {
    return undefined
  }
}

const counted = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

// A number in quotes is of the wrong type: malformed, so that what it stands for counts as expired.
function meant(name: string, value: BareItem): string | boolean {
  if (typeof value === 'boolean') return value
  return counted.has(name) && typeof value !== 'number' ? '' : String(value)
}
