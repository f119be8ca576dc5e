import { type Check, type Checks, checkOptions, GatewayError, HeaderList, json, options } from '@gatelet/core'
import { pathBuilder } from '../build-path.ts'
import { fieldName } from '../filters/field-name.ts'
import { pattern } from '../pattern.ts'
import type { PartRequest, QueryValue } from './part.ts'

/** What a part is asked, ready but for the values in its path. */
export interface Template {
  readonly method: string
  /** Undefined: the path that came. */
  readonly path: ((params: Readonly<Record<string, string | number>>) => string) | undefined
  readonly params: Readonly<Record<string, string | number>>
  readonly query: NonNullable<PartRequest['query']>
  /** Those of the body among them. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | Uint8Array | null
}

/** Checks a request, or the path that is short for one. */
export const template: Check<Template> = (value, path) =>
  templateOf(typeof value === 'string' ? { path: pathPattern(value, path) } : request(value, path), path)

/** The same for what a function answered. @throws GatewayError `BAD_OPTION` */
export function templateFrom(answered: unknown): Template {
  return checkOptions<{ request: Template }>('part', { request: answered }, { request: template }).request
}

function templateOf({ method = 'GET', path, params = {}, query = {}, headers = {}, body }: PartRequest, at: string): Template {
  if (body !== undefined && method === 'GET') throw options.wrong(body, `${at}.body`, 'left out where the method is GET')
  const sent = bodyOf(body, `${at}.body`)
  const own = Object.entries(headers)
  const isJson = sent !== body && !own.some(([name]) => name.toLowerCase() === 'content-type')
  return {
    method,
    path: path === undefined ? undefined : pathBuilder(path),
    params,
    query,
    headers: isJson && sent !== null ? [...own, ['content-type', 'application/json']] : own,
    body: sent,
  }
}

function bodyOf(body: unknown, at: string): string | Uint8Array | null {
  if (body === undefined) return null
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  try {
    return json(body).body as string
  } catch {
    throw options.wrong(body, at, 'a string, bytes or a value that JSON has')
  }
}

/** The query that is asked with, and its `?`. @param passed what of the client's goes on */
export function searchOf(search: string, passed: true | readonly string[], own: Template['query']): string {
  const added = Object.entries(own).filter(([, value]) => value !== undefined)
  if (passed === true && added.length === 0) return search
  const query = new URLSearchParams()
  for (const [name, value] of passed === true || passed.length > 0 ? new URLSearchParams(search) : []) {
    if ((passed === true || passed.includes(name)) && !added.some(([other]) => other === name)) query.append(name, value)
  }
  for (const [name, value] of added) {
    for (const each of Array.isArray(value) ? (value as readonly QueryValue[]) : [value]) query.append(name, String(each))
  }
  return query.size > 0 ? `?${query}` : ''
}

const { anything, either, list, optional, record, shape, string } = options

const method: Check<string> = (value, path) => {
  const isMethod = typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(value)
  if (!isMethod || bodiless.has(value)) throw options.wrong(value, path, 'a method in capitals whose answer is JSON, such as GET')
  return value
}

const bodiless: ReadonlySet<string> = new Set(['HEAD', 'CONNECT', 'TRACE'])

const pathPattern: Check<string> = (value, path) => {
  const { isPrefix, rest, text } = pattern(value, path)
  if (isPrefix && rest === undefined) throw options.wrong(value, path, 'a path whose rest has a name, as /*rest, to be filled')
  return text
}

const headerName = fieldName({ host: 'the option host of proxy', 'accept-encoding': 'nothing: parts are asked for as they are' })

const headers: Check<Readonly<Record<string, string>>> = (value, path) => {
  const checked = record(string)(value, path)
  for (const [name, field] of Object.entries(checked)) {
    headerName(name, path)
    try {
      new HeaderList().set(name, field)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      throw options.wrong(field, `${path}.${name}`, 'a value that HTTP allows')
    }
  }
  return checked
}

const numberOrText: Check<string | number> = (value, path) => {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value
  throw options.wrong(value, path, 'a string or a number')
}

const queryValue: Check<QueryValue> = (value, path) => (typeof value === 'boolean' ? value : numberOrText(value, path))

const checks: Checks<PartRequest> = {
  method: optional(method),
  path: optional(pathPattern),
  params: optional(record(numberOrText)),
  query: optional(record(optional(either('a string, a number, a boolean or a list of them', queryValue, list(queryValue))))),
  headers: optional(headers),
  body: optional(anything),
}

const request = shape(checks)
