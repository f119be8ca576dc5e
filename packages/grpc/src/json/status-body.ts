import { create, type FileRegistry, fromBinary, type JsonValue, type JsonWriteOptions, toJson } from '@bufbuild/protobuf'
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt'
import { HeaderList, type Reply } from '@gatelet/core'
import { httpStatusOf, type Status } from '../status.ts'
import { eachField } from './http-rule.ts'

/** A status as `google.rpc.Status` has it, in JSON. Details of types that the descriptors do not have stay bytes. */
export function statusJson(status: Status, registry: FileRegistry, writing: Partial<JsonWriteOptions>): JsonValue {
  const { code, message, details } = status
  const known = details ? detailsIn(details, registry, writing) : []
  return { code, message, details: known }
}

/** The reply for a call that failed before anything was answered. */
export function statusReply(
  status: Status,
  registry: FileRegistry,
  writing: Partial<JsonWriteOptions>,
  headers: HeaderList = new HeaderList(),
): Reply {
  headers.set('content-type', 'application/json')
  headers.set('cache-control', headers.get('cache-control') ?? 'no-store')
  return { status: httpStatusOf(status.code), headers, body: JSON.stringify(statusJson(status, registry, writing)) }
}

function detailsIn(bytes: Uint8Array, registry: FileRegistry, writing: Partial<JsonWriteOptions>): JsonValue[] {
  const details: JsonValue[] = []
  try {
    eachField(bytes, (no, reader) => {
      if (no !== 3) return false
      details.push(anyJson(fromBinary(AnySchema, reader.bytes()), registry, writing))
      return true
    })
  } catch {
    // What the server says there is no such message: the status stands without it.
  }
  return details
}

function anyJson({ typeUrl, value }: Any, registry: FileRegistry, writing: Partial<JsonWriteOptions>): JsonValue {
  try {
    return toJson(AnySchema, create(AnySchema, { typeUrl, value }), { ...writing, registry })
  } catch {
    return { '@type': typeUrl, value: Buffer.from(value).toString('base64') }
  }
}
