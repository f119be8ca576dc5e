import { isToken } from '@gatelet/core'
import { type Item, parseItem, serializeItem } from 'structured-headers'

/** One part of a request that a signature covers (RFC 9421 §2). */
export interface Component {
  /** In lower case; with `@` in front for what is derived. */
  readonly name: string
  /** As it stands in the signature base: `"@query-param";name="Pet"`. */
  readonly id: string
  /** How the value of a field is written. `lines`: as it came. */
  readonly form: 'lines' | 'structured' | 'member' | 'bytes'
  /** The member of a dictionary, or the name of a query parameter. */
  readonly part: string | undefined
}

const derived = new Set(['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query'])

/**
 * A component of its identifier. Responses (`@status`, `req`) and trailers (`tr`) are none here, and what is not known is none either:
 * nobody could say what was signed.
 * @returns undefined for what cannot be one
 */
export function componentOf(item: Item): Component | undefined {
  const [name, params] = item
  if (typeof name !== 'string') return undefined
  const id = serializeItem(item)
  if (derived.has(name)) return params.size === 0 ? { name, id, form: 'lines', part: undefined } : undefined
  const [param = '', ...others] = params.keys()
  const value = params.get(param)
  if (others.length > 0) return undefined
  if (name === '@query-param')
    return param === 'name' && typeof value === 'string' ? { name, id, form: 'lines', part: value } : undefined
  if (!isToken(name) || name !== name.toLowerCase()) return undefined
  if (params.size === 0) return { name, id, form: 'lines', part: undefined }
  if (param === 'key' && typeof value === 'string') return { name, id, form: 'member', part: value }
  if (value !== true) return undefined
  const form = param === 'sf' ? 'structured' : param === 'bs' ? 'bytes' : undefined
  return form && { name, id, form, part: undefined }
}

/** A component as people write it: `@method`, `content-type`, `"@query-param";name="Pet"`. */
export function componentFrom(text: string): Component | undefined {
  try {
    return componentOf(parseItem(text.startsWith('"') ? text : `"${text}"`))
  } catch {
    return undefined
  }
}

// What a derived component says as well.
const saidBy: Readonly<Record<string, readonly string[]>> = {
  '@target-uri': ['@scheme', '@authority', '@path', '@query', '@request-target'],
  '@request-target': ['@path', '@query'],
}

/** Whether what is signed says what `wanted` says. */
export function isCovered(wanted: Component, covered: readonly Component[]): boolean {
  return covered.some(({ name, id, form }) => {
    if (id === wanted.id) return true
    if (saidBy[name]?.includes(wanted.name)) return true
    // The whole field holds each member of it, and `@query` each parameter.
    if (wanted.name === '@query-param') return name === '@query' || (saidBy[name]?.includes('@query') ?? false)
    return name === wanted.name && !name.startsWith('@') && form !== 'member'
  })
}
