import type { IncomingRequest } from '@gatelet/core'
import {
  type InnerList,
  type Item,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
  serializeList,
} from 'structured-headers'
import type { SignatureClaim } from './claim.ts'
import type { Component } from './component.ts'

/** What a structured field is (RFC 9651 §2). */
export type StructuredType = 'item' | 'list' | 'dictionary'

/** What the base needs to know besides the request. */
export interface BaseRules {
  readonly origin: URL | undefined
  readonly structured: Readonly<Record<string, StructuredType>>
}

/**
 * The bytes that are signed (RFC 9421 §2.5): of the request as it came, target and header fields byte for byte.
 * @param request as its adapter made it
 * @returns undefined where a component that is covered is not there, or cannot be written as it is asked for
 */
export function signatureBase(request: IncomingRequest, claim: SignatureClaim, rules: BaseRules): Buffer | undefined {
  const values = claim.components.map((component) => componentValue(request, component, rules))
  if (values.includes(undefined)) return undefined
  const lines = claim.components.map(({ id }, at) => `${id}: ${values[at]}\n`)
  // Node reads header fields as latin1: one character, one byte.
  return Buffer.from(`${lines.join('')}"@signature-params": ${claim.params}`, 'latin1')
}

function componentValue(request: IncomingRequest, component: Component, rules: BaseRules): string | undefined {
  if (!component.name.startsWith('@')) return fieldValue(request, component, rules)
  const { scheme, authority } = calledBy(request, rules.origin)
  const { path, query } = partsOf(request.target)
  switch (component.name) {
    case '@method':
      return request.method
    case '@scheme':
      return scheme
    case '@authority':
      return authority
    case '@target-uri':
      return `${scheme}://${authority}${path}${query}`
    case '@request-target':
      return request.target
    case '@path':
      return path
    case '@query':
      return query === '' ? '?' : query
    default:
      return queryParam(query, component.part ?? '')
  }
}

function calledBy({ url }: IncomingRequest, origin: URL | undefined): { scheme: string; authority: string } {
  if (origin) return { scheme: origin.protocol.slice(0, -1), authority: origin.host }
  return { scheme: url.scheme, authority: url.port === undefined ? url.host : `${url.host}:${url.port}` }
}

// Not `URL`, which would write them in its own way.
function partsOf(target: string): { path: string; query: string } {
  const [, rest = ''] = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?(.*)$/is.exec(target) ?? []
  const question = rest.indexOf('?')
  const path = question < 0 ? rest : rest.slice(0, question)
  return { path: path.startsWith('/') ? path : '/', query: question < 0 ? '' : rest.slice(question) }
}

/** §2.2.8: a parameter that stands there more than once must not be covered by its name. */
function queryParam(query: string, name: string): string | undefined {
  const values = [...new URLSearchParams(query)].filter(([each]) => formEncoded(each) === name)
  const [, value] = values.length === 1 ? (values[0] as [string, string]) : []
  // What is no UTF-8 is read as U+FFFD, whatever it was: then the value would not say what stands there.
  return value === undefined || value.includes('\uFFFD') ? undefined : formEncoded(value)
}

// The percent-encode set of application/x-www-form-urlencoded, with %20 for a space.
const formEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

function fieldValue(
  { headers, protocol }: IncomingRequest,
  { name, form, part }: Component,
  rules: BaseRules,
): string | undefined {
  const lines = headers.getAll(name).map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ''))
  if (lines.length === 0) return undefined
  if (form === 'bytes') return lines.map((line) => `:${Buffer.from(line, 'latin1').toString('base64')}:`).join(', ')
  // RFC 9113 §8.2.3: what HTTP/2 has split for compression is put together again.
  const value = lines.join(name === 'cookie' && protocol === '2' ? '; ' : ', ')
  if (form === 'lines') return value
  try {
    return form === 'member' ? memberOf(value, part ?? '') : structured(value, typeOf(name, rules))
  } catch {
    return undefined
  }
}

function memberOf(value: string, key: string): string | undefined {
  const member = parseDictionary(value).get(key)
  if (!member) return undefined
  return Array.isArray(member[0]) ? serializeInnerList(member as InnerList) : serializeItem(member as Item)
}

const knownTypes: Readonly<Record<string, StructuredType>> = {
  'content-digest': 'dictionary',
  'idempotency-key': 'item',
  priority: 'dictionary',
  'repr-digest': 'dictionary',
  signature: 'dictionary',
  'signature-agent': 'dictionary',
  'signature-input': 'dictionary',
  'want-content-digest': 'dictionary',
  'want-repr-digest': 'dictionary',
}

function typeOf(name: string, { structured }: BaseRules): StructuredType | undefined {
  if (Object.hasOwn(structured, name)) return structured[name]
  return Object.hasOwn(knownTypes, name) ? knownTypes[name] : undefined
}

function structured(value: string, type: StructuredType | undefined): string | undefined {
  if (type === 'dictionary') return serializeDictionary(parseDictionary(value))
  if (type === 'list') return serializeList(parseList(value))
  return type && serializeItem(parseItem(value))
}
