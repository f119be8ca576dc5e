import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf'
import { fieldNamed } from './fields.ts'

/** The paths of a field mask for what a body says (AIP-134), in JSON's spelling: each member, of messages each of theirs. */
export function maskPaths(message: DescMessage, json: JsonObject, before = ''): string[] {
  return Object.entries(json).flatMap(([name, value]) => {
    const field = fieldNamed(message, name)
    if (!field) return []
    const path = `${before}${field.jsonName}`
    const inner =
      field.fieldKind === 'message' && !field.message.typeName.startsWith('google.protobuf.') ? field.message : undefined
    return inner && isObject(value) ? maskPaths(inner, value, `${path}.`) : [path]
  })
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
