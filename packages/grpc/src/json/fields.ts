import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf'

/** A field of a field, from the outermost on. */
export type FieldPath = readonly DescField[]

/** The field that a name means, by its name or its JSON name. */
export function fieldNamed({ fields }: DescMessage, name: string): DescField | undefined {
  return fields.find((field) => field.name === name) ?? fields.find((field) => field.jsonName === name)
}

/**
 * The fields that a dotted path leads through.
 * @throws Error where there is none, or where one on the way is not a single message
 */
export function fieldPath(message: DescMessage, names: readonly string[]): FieldPath {
  const path: DescField[] = []
  let within: DescMessage | undefined = message
  for (const name of names) {
    const field: DescField | undefined = within && fieldNamed(within, name)
    if (!field) throw new Error(`${message.typeName} has no field ${names.join('.')}`)
    path.push(field)
    within = field.fieldKind === 'message' ? field.message : undefined
  }
  return path
}

/** Whether the text of a path or a query can be a value of such a field. @param mayRepeat whether it may be a list of such */
export function isBindable(field: DescField, mayRepeat: boolean): boolean {
  if (field.fieldKind === 'map') return false
  if (field.fieldKind === 'list') return mayRepeat && (field.listKind !== 'message' || isText(field.message))
  return field.fieldKind !== 'message' || isText(field.message)
}

/** The value of JSON that a text stands for in such a field. What it must be is checked when the message is made. */
export function jsonOf(field: DescField, text: string): JsonValue {
  if (field.fieldKind === 'map') return text
  if (field.enum) return /^-?\d+$/.test(text) ? Number(text) : text
  if (field.scalar !== undefined) return scalarValue(field.scalar, text)
  const { message } = field
  const wrapped = message && wrappers.has(message.typeName) ? message.fields[0]?.scalar : undefined
  return wrapped === undefined ? text : scalarValue(wrapped, text)
}

/** A value under the JSON names of a path. */
export function nested(path: FieldPath, value: JsonValue): JsonObject {
  let inner = value
  for (const field of path.toReversed()) inner = { [field.jsonName]: inner }
  return inner as JsonObject
}

function scalarValue(type: ScalarType, text: string): JsonValue {
  if (type === ScalarType.BOOL && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

const isText = ({ typeName }: DescMessage) => texts.has(typeName) || wrappers.has(typeName)

// Whose JSON is a string.
const texts: ReadonlySet<string> = new Set(['google.protobuf.Timestamp', 'google.protobuf.Duration', 'google.protobuf.FieldMask'])

const wrappers: ReadonlySet<string> = new Set(
  ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
    (kind) => `google.protobuf.${kind}Value`,
  ),
)
