import type { Context } from '@gatelet/core'
import { decoded, decodedName, percentDecoded, type RawField, rawFields, unreadable } from '../validation/fields.ts'
import type { Written } from './shape.ts'

/** What parameters are read from: prepared once a request. */
export interface RequestTexts {
  readonly ctx: Context
  readonly params: Readonly<Record<string, unknown>>
  /** Names are decoded, values not. */
  readonly query: readonly RawField[]
  /** Not decoded. */
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

/** `form`, of a query. @param properties which names an exploded object gathers */
export function form(
  fields: readonly RawField[],
  name: string,
  structure: Structure,
  explode: boolean,
  properties: ReadonlySet<string>,
): Written | undefined {
  if (structure === 'object' && explode) return gathered(fields, (key) => (properties.has(key) ? key : undefined))
  const values = valuesOf(fields, name)
  if (structure === 'list' && explode) return values.length === 0 ? undefined : values.map(decoded)
  return single(values, structure, decoded)
}

/** `form` of a cookie, where `+` is no space. */
export function cookie(cookies: readonly RawField[], name: string, structure: Structure): Written | undefined {
  return single(valuesOf(cookies, name), structure, percentDecoded)
}

const valuesOf = (fields: readonly RawField[], name: string) => fields.filter(([key]) => key === name).map(([, value]) => value)

function single(values: readonly string[], structure: Structure, decode: (text: string) => string): Written | undefined {
  const [value] = values
  if (value === undefined) return undefined
  if (values.length > 1) throw unreadable('must not come more than once')
  if (structure === 'text') return decode(value)
  // Split before decoding: an encoded comma is part of a value.
  const parts = value === '' ? [] : value.split(',').map(decode)
  return structure === 'list' ? parts : byName(pairs(parts))
}

/** `deepObject`: `filter[name]=a&filter[name]=b`. Not deeper than one level, as the specification says no more. */
export function deepObject(fields: readonly RawField[], name: string): Written | undefined {
  return gathered(fields, (key) => {
    const inner = key.startsWith(`${name}[`) && key.endsWith(']') ? key.slice(name.length + 1, -1) : undefined
    return inner === undefined || /[[\]]/.test(inner) ? undefined : inner
  })
}

/** The fields to which `nameOf` gives a name. */
function gathered(fields: readonly RawField[], nameOf: (key: string) => string | undefined): Written | undefined {
  const own = fields.flatMap(([key, value]): [string, string][] => {
    const name = nameOf(key)
    return name === undefined ? [] : [[name, decoded(value)]]
  })
  return own.length === 0 ? undefined : byName(own)
}

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

/** @throws GatewayError `MALFORMED_BODY` for too many fields in the query, and a name that cannot be read */
export function textsOf(ctx: Context<{ readonly params: RequestTexts['params'] }>, maxFields: number): RequestTexts {
  const query = rawFields(ctx.request.url.search.slice(1), maxFields)
  return {
    ctx,
    params: ctx.state.params,
    query: query.map(([name, value]) => [decodedName(name), value]),
    cookies: cookiesOf(ctx.request.headers.get('cookie') ?? ''),
  }
}

/** The cookies of a request (RFC 6265 §5.4). */
function cookiesOf(header: string): RawField[] {
  return header.split(';').flatMap((part) => (part.includes('=') ? [pair(part.trim())] : []))
}
