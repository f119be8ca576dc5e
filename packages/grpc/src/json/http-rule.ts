import type { DescMethod } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** One `google.api.HttpRule`: how a method is called by HTTP. */
export interface HttpRule {
  /** `GET` and the like, or the kind of a custom pattern. Empty where the rule has none. */
  readonly method: string
  readonly template: string
  /** `*`, the name of a field, or empty: no body. */
  readonly body: string
  readonly responseBody: string
  readonly additional: readonly HttpRule[]
}

// The extension `google.api.http` of google.protobuf.MethodOptions.
const EXTENSION = 72_295_728

/**
 * The annotation of a method; undefined where it has none. Read from the bytes of its options, so that it does not hang on which
 * google/api/http.proto the descriptors bring along.
 * @throws Error for bytes that are no rule
 */
export function httpRuleOf({ proto }: DescMethod): HttpRule | undefined {
  const found = proto.options?.$unknown?.filter(({ no }) => no === EXTENSION) ?? []
  const last = found.at(-1)
  return last && readRule(new BinaryReader(last.data).bytes())
}

/** Whether a method has the annotation, right or not. */
export function isAnnotated({ proto }: DescMethod): boolean {
  return proto.options?.$unknown?.some(({ no }) => no === EXTENSION) === true
}

const methods = new Map([
  [2, 'GET'],
  [3, 'PUT'],
  [4, 'POST'],
  [5, 'DELETE'],
  [6, 'PATCH'],
])

function readRule(bytes: Uint8Array): HttpRule {
  const rule = { method: '', template: '', body: '', responseBody: '', additional: [] as HttpRule[] }
  eachField(bytes, (no, reader) => {
    const method = methods.get(no)
    if (method) Object.assign(rule, { method, template: reader.string() })
    else if (no === 7) rule.body = reader.string()
    else if (no === 12) rule.responseBody = reader.string()
    else if (no === 11) rule.additional.push(readRule(reader.bytes()))
    else if (no === 8) Object.assign(rule, readCustom(reader.bytes()))
    else return false
    return true
  })
  return rule
}

function readCustom(bytes: Uint8Array): { method: string; template: string } {
  const custom = { method: '', template: '' }
  eachField(bytes, (no, reader) => {
    if (no === 1) custom.method = reader.string().toUpperCase()
    else if (no === 2) custom.template = reader.string()
    else return false
    return true
  })
  return custom
}

/** @param read takes a field that it knows, and says whether it did */
export function eachField(bytes: Uint8Array, read: (no: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag()
    if (type !== WireType.LengthDelimited || !read(no, reader)) reader.skip(type, no)
  }
}
