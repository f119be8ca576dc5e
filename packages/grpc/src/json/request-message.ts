import {
  create,
  type DescField,
  type DescMessage,
  fromJsonString,
  type JsonObject,
  type JsonValue,
  type Message,
  mergeFromJson,
  mergeFromJsonString,
  toBinary,
} from '@bufbuild/protobuf'

import type { Binding } from './binding.ts'
import { HTTP_BODY } from './binding.ts'
import { invalid } from './call-error.ts'
import { exactNumbers } from './exact-numbers.ts'
import { maskPaths } from './field-mask.ts'
import { type FieldPath, fieldPath, isBindable, jsonOf, nested } from './fields.ts'
import type { JsonSettings } from './settings.ts'

/** What of a request a message is made of. */
export interface MessageParts {
  readonly segments: readonly string[]
  readonly search: string
  readonly body: Uint8Array
  readonly contentType: string
}

/**
 * The message that a request stands for: the body first, then the query, and the path over both.
 * @throws CallError `INVALID_ARGUMENT`
 */
export function requestMessage(binding: Binding, parts: MessageParts, settings: JsonSettings): Uint8Array {
  const { input } = binding.method
  try {
    const message = create(input)
    addBody(message, binding, parts, settings)
    addQuery(message, binding, parts.search, settings)
    for (const { fields, from, to, isMulti } of binding.variables) {
      const text = parts.segments
        .slice(from, to)
        .map(isMulti ? decodedPart : decodeURIComponent)
        .join('/')
      merge(message, input, fields, jsonOf(fields.at(-1) as DescField, text), settings)
    }
    return toBinary(input, message)
  } catch (error) {
    throw invalid(error)
  }
}

/** One message of a stream, as JSON. @throws CallError `INVALID_ARGUMENT` */
export function streamedMessage(binding: Binding, json: string, settings: JsonSettings): Uint8Array {
  const { input } = binding.method
  try {
    return toBinary(input, fromJsonString(input, exact(json, binding), settings.reading))
  } catch (error) {
    throw invalid(error)
  }
}

// google/api/http.proto: in a variable of several segments, an encoded slash is left as it is.
const decodedPart = (text: string): string => text.split(/%2f/i).map(decodeURIComponent).join('%2F')

const exact = (json: string, { mayQuoteNumbers }: Binding) => (mayQuoteNumbers ? exactNumbers(json) : json)

function addBody(message: Message, binding: Binding, { body, contentType }: MessageParts, settings: JsonSettings): void {
  const { body: field, mask, method } = binding
  if (field === undefined) return
  const type = field === '*' ? method.input : field.message
  if (type?.typeName === HTTP_BODY) {
    const json = { contentType, data: Buffer.from(body).toString('base64') }
    mergeFromJson(method.input, message, field === '*' ? json : { [field.jsonName]: json }, settings.reading)
    return
  }
  if (body.byteLength === 0) return
  const text = exact(utf8.decode(body), binding)
  if (field === '*') {
    // Not parsed first, so that a name that stands twice is refused.
    mergeFromJsonString(method.input, message, text, settings.reading)
    return
  }
  const json = JSON.parse(text) as JsonValue
  mergeFromJson(method.input, message, { [field.jsonName]: json }, settings.reading)
  if (mask && field.message) addMask(message, mask, field.message, json, settings)
}

function addMask(message: Message, mask: DescField, type: DescMessage, json: JsonValue, settings: JsonSettings): void {
  const paths = maskPaths(type, json as JsonObject)
  if (mask.parent) mergeFromJson(mask.parent, message, { [mask.jsonName]: paths.join(',') }, settings.reading)
}

function addQuery(message: Message, binding: Binding, search: string, settings: JsonSettings): void {
  const { input } = binding.method
  if (search.length < 2) return
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(search)) {
    if (settings.ignoredQuery.has(name)) continue
    const before = values.get(name)
    if (before) before.push(value)
    else values.set(name, [value])
  }
  for (const [name, texts] of values) {
    const fields = queryField(binding, name, settings)
    const field = fields?.at(-1)
    if (!fields || !field) continue
    if (field.fieldKind !== 'list' && texts.length > 1) throw new Error(`${name} stands more than once in the query`)
    const json = texts.map((text) => jsonOf(field, text))
    // What the client says of the mask is instead of ours.
    if (field === binding.mask) Object.assign(message, { [field.localName]: undefined })
    merge(message, input, fields, field.fieldKind === 'list' ? json : (json[0] as JsonValue), settings)
  }
}

/** The field that a name in a query means; undefined for one that is passed over. @throws Error for others */
function queryField(binding: Binding, name: string, { ignoresUnknown }: JsonSettings): FieldPath | undefined {
  const { body, method, variables } = binding
  if (body === '*') {
    if (ignoresUnknown) return undefined
    throw new Error(`the query has ${name}, but the body is the whole message`)
  }
  let fields: FieldPath
  try {
    fields = fieldPath(method.input, name.split('.'))
  } catch (error) {
    if (ignoresUnknown) return undefined
    throw error
  }
  if (fields[0] === body) throw new Error(`${name} is in the body, and cannot be in the query`)
  if (variables.some((variable) => isSame(variable.fields, fields)))
    throw new Error(`${name} is in the path, and cannot be in the query`)
  if (fields.slice(0, -1).some((field) => field.fieldKind !== 'message') || !isBindable(fields.at(-1) as DescField, true))
    throw new Error(`${name} cannot be in the query: it is no single value and no list of such`)
  return fields
}

const isSame = (a: FieldPath, b: FieldPath) => a.length === b.length && a.every((field, at) => field === b[at])

function merge(message: Message, input: DescMessage, fields: FieldPath, value: JsonValue, { reading }: JsonSettings): void {
  mergeFromJson(input, message, nested(fields, value), { ...reading, ignoreUnknownFields: false })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
