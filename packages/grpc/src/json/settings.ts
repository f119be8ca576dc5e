import { readFileSync } from 'node:fs'
import type { JsonReadOptions, JsonWriteOptions } from '@bufbuild/protobuf'
import { type Checks, checkOptions, options } from '@gatelet/core'
import { type MethodTable, methodTable } from './method-table.ts'

/** How messages are written as JSON. */
export interface GrpcJsonFormat {
  /** Writes fields that have their default value, too: 0, false, empty texts and lists. Default false. */
  defaults?: boolean
  /** Names fields as the .proto does (`page_size`), and not `pageSize`. Both are read in any case. Default false. */
  originalNames?: boolean
  /** Writes enums as numbers. Both are read in any case. Default false. */
  enumNumbers?: boolean
}

/** How HTTP and JSON become calls of gRPC. */
export interface GrpcJsonOptions {
  /**
   * The services: a `google.protobuf.FileDescriptorSet` with all that it imports, its bytes or its file, as `protoc
   * --include_imports --descriptor_set_out=api.binpb` or `buf build -o api.binpb` writes it.
   */
  descriptors: Uint8Array | string
  /** The services that are offered, by their full names, such as `shop.v1.Shop`. Default: all whose methods have annotations. */
  services?: readonly string[]
  /**
   * Longest message in bytes, as JSON and in the binary format, to the server and from it, 1 to 1,073,741,824. A longer one is 429
   * (RESOURCE_EXHAUSTED). One message of each call is held. Default 4,194,304, which is what servers of gRPC take.
   */
  maxMessageBytes?: number
  /** What happens to members of a body, and names in a query, that a message has no field for. Default `refuse`, with 400. */
  unknownFields?: 'refuse' | 'ignore'
  /** Names in a query that are for others, such as `api_key`, and are passed over. Default: none. */
  ignoredQuery?: readonly string[]
  /** How messages are written. */
  format?: GrpcJsonFormat
}

/** Checked, and read. */
export interface JsonSettings extends MethodTable {
  readonly maxMessageBytes: number
  readonly ignoredQuery: ReadonlySet<string>
  readonly ignoresUnknown: boolean
  readonly reading: Partial<JsonReadOptions>
  readonly writing: Partial<JsonWriteOptions>
}

const { boolean, list, number, oneOf, optional, shape, string, wrong } = options

const descriptors: options.Check<Uint8Array> = (value, path) => {
  if (value instanceof Uint8Array && value.byteLength > 0) return value
  const expected = 'the bytes or the file of a FileDescriptorSet, which protoc --include_imports --descriptor_set_out writes'
  if (typeof value !== 'string' || value === '') throw wrong(value, path, expected)
  try {
    return readFileSync(value)
  } catch {
    throw wrong(value, path, `${expected}, and one that can be read`)
  }
}

const formatChecks: Checks<GrpcJsonFormat> = {
  defaults: optional(boolean),
  originalNames: optional(boolean),
  enumNumbers: optional(boolean),
}

const checks: Checks<GrpcJsonOptions> = {
  descriptors,
  services: optional(list(string, { min: 1 })),
  maxMessageBytes: optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  unknownFields: optional(oneOf('refuse', 'ignore')),
  ignoredQuery: optional(list(string)),
  format: optional(shape(formatChecks)),
}

/** Checks options and reads the descriptors. @throws GatewayError `BAD_OPTION` */
export function jsonSettings(given: GrpcJsonOptions): JsonSettings {
  const checked = checkOptions('grpcJson', given, checks)
  const { maxMessageBytes = 4_194_304, unknownFields = 'refuse', ignoredQuery = [], format = {} } = checked
  const { defaults = false, originalNames = false, enumNumbers = false } = format
  const { registry, tree } = methodTable(checked.descriptors as Uint8Array, checked.services)
  return {
    registry,
    tree,
    maxMessageBytes,
    ignoredQuery: new Set(ignoredQuery),
    ignoresUnknown: unknownFields === 'ignore',
    reading: { registry, ignoreUnknownFields: unknownFields === 'ignore' },
    writing: { registry, alwaysEmitImplicit: defaults, useProtoFieldName: originalNames, enumAsInteger: enumNumbers },
  }
}
