import { parseDictionary } from 'structured-headers'
import type { QueryOptions } from './options.ts'

/** Which parts of a query do not matter, as a response says it. */
export interface SearchRule {
  /** The order of parameters does not. */
  readonly keyOrder: boolean
  /** None of them, or these do not. */
  readonly ignored: 'all' | readonly string[]
  /** Those of all that do. */
  readonly except: readonly string[]
}

/**
 * Reads `No-Vary-Search` (draft-ietf-httpbis-no-vary-search). Undefined when the whole query matters, which is so for what
 * cannot be read too.
 */
export function parseNoVarySearch(field: string | undefined): SearchRule | undefined {
  if (field === undefined) return undefined
  try {
    const found = parseDictionary(field)
    const keyOrder = flag(found.get('key-order')?.[0])
    const params = found.get('params')?.[0]
    const ignored = Array.isArray(params) ? strings(params) : flag(params) ? 'all' : []
    const except = strings(found.get('except')?.[0] ?? [])
    if (except.length > 0 && ignored !== 'all') return undefined
    return keyOrder || ignored.length > 0 ? { keyOrder, ignored, except } : undefined
  } catch {
    return undefined
  }
}

/** A query as it stands in a key, with its `?`. Parameters are compared as they are written. */
export function searchKey(search: string, options: QueryOptions, rule?: SearchRule): string {
  if (search === '' || (!rule && !options.sort && !options.ignore && !options.only)) return search
  let params = search
    .slice(1)
    .split('&')
    .filter((param) => matters(param, options, rule))
  if (options.sort || rule?.keyOrder)
    params = params
      .map((param) => [nameOf(param), param] as const)
      .sort(byName)
      .map(([, param]) => param)
  return params.length === 0 ? '' : `?${params.join('&')}`
}

function matters(param: string, { ignore, only }: QueryOptions, rule: SearchRule | undefined): boolean {
  // An upstream that takes `;` for `&` would find another one in it, which nobody has said does not matter.
  if (param.includes(';')) return true
  const name = nameOf(param)
  if (ignore?.includes(name) || (only && !only.includes(name))) return false
  if (!rule) return true
  return rule.ignored === 'all' ? rule.except.includes(name) : !rule.ignored.includes(name)
}

// The same name in another order is another query: only names are sorted, and the sort is stable.
const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0)

function nameOf(param: string): string {
  const equals = param.indexOf('=')
  return decoded(equals < 0 ? param : param.slice(0, equals))
}

function decoded(name: string): string {
  const spaced = name.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

function flag(value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw new TypeError('not a boolean')
  return value
}

function strings(value: unknown): string[] {
  if (!Array.isArray(value)) throw new TypeError('not a list')
  return value.map(([item]: [unknown]) => {
    if (typeof item !== 'string') throw new TypeError('not a string')
    return decoded(item)
  })
}
