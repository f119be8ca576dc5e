import type { Context } from '@gatelet/core'
import { decoded, decodedName, type RawField, unreadable } from '../validation/fields.ts'
import type { Written } from './shape.ts'

/** What parameters are read from: prepared once a request. */
export interface RequestTexts {
  readonly ctx: Context
  readonly params: Readonly<Record<string, unknown>>
  readonly query: readonly RawField[]
  readonly cookies: readonly RawField[]
}

/** Whether a parameter is one text, a list of texts or texts by name. */
export type Structure = 'text' | 'list' | 'object'

/** What was written for a parameter. @throws GatewayError `MALFORMED_BODY` for what cannot be read; undefined: it is not there */
export type StyleReader = (from: RequestTexts) => Written | undefined

/** `simple`, of values that are decoded already. */
export function simple(text: string, structure: Structure, explode: boolean): Written {
  if (structure === 'text') return text
  const parts = text === '' ? [] : text.split(',').map((part) => part.trim())
  if (structure === 'list') return parts
  return explode ? byName(parts.map(pair)) : byName(pairs(parts))
}

/** `form`, of a query or of cookies. @param properties which names an exploded object gathers */
export function form(
  fields: readonly RawField[],
  name: string,
  structure: Structure,
  explode: boolean,
  properties: ReadonlySet<string>,
): Written | undefined {
  if (structure === 'object' && explode) {
    const own = fields.map(decodedField).filter(([key]) => properties.has(key))
    return own.length === 0 ? undefined : byName(own)
  }
  const values = fields.filter(([key]) => decodedName(key) === name).map(([, value]) => value)
  const [first] = values
  if (first === undefined) return undefined
  if (structure === 'list' && explode) return values.map(decoded)
  if (values.length > 1) throw unreadable('must not come more than once')
  if (structure === 'text') return decoded(first)
  // Split before decoding: an encoded comma is part of a value.
  const parts = first === '' ? [] : first.split(',').map(decoded)
  return structure === 'list' ? parts : byName(pairs(parts))
}

/** `deepObject`: `filter[name]=a&filter[name]=b`. Not deeper than one level, as the specification says no more. */
export function deepObject(fields: readonly RawField[], name: string): Written | undefined {
  const own = fields.map(decodedField).flatMap(([key, value]): [string, string][] => {
    const inner = key.startsWith(`${name}[`) && key.endsWith(']') ? key.slice(name.length + 1, -1) : undefined
    return inner === undefined || /[[\]]/.test(inner) ? [] : [[inner, value]]
  })
  return own.length === 0 ? undefined : byName(own)
}

const decodedField = ([name, value]: RawField): [string, string] => [decodedName(name), decoded(value)]

function pair(part: string): [string, string] {
  const equals = part.indexOf('=')
  return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
}

function pairs(parts: readonly string[]): [string, string][] {
  if (parts.length % 2 === 1) throw unreadable('must have a value for each name')
  return Array.from({ length: parts.length / 2 }, (_, at) => [parts[2 * at] as string, parts[2 * at + 1] as string])
}

/** Names that come again have lists. */
function byName(fields: readonly [name: string, value: string][]): Written {
  const values: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of fields) {
    if (name === '__proto__') throw unreadable('must not have the name __proto__')
    const before = values[name]
    if (before === undefined) values[name] = value
    else if (typeof before === 'string') values[name] = [before, value]
    else before.push(value)
  }
  return values
}

/** The cookies of a request (RFC 6265 §5.4), not decoded. */
export function cookiesOf(ctx: Context): RawField[] {
  const header = ctx.request.headers.get('cookie') ?? ''
  return header.split(';').flatMap((part) => (part.includes('=') ? [pair(part.trim())] : []))
}
