import { isObject, type Place } from './place.ts'

/** What a schema says of the kind of its values: as much as is needed to read text. */
export interface Shape {
  /** Names of JSON Schema; empty when anything will do. */
  readonly types: ReadonlySet<string>
  readonly items: Place | undefined
  readonly properties: ReadonlyMap<string, Place>
  readonly additional: Place | undefined
}

// By document, then by pointer: requests ask for the same ones again.
const shapes = new WeakMap<object, Map<string, Shape>>()
const anyShape: Shape = { types: new Set(), items: undefined, properties: new Map(), additional: undefined }

/** Gathers what a schema says, also by `$ref`, `allOf`, `anyOf` and `oneOf`. */
export function shapeOf(schema: Place | undefined): Shape {
  if (!schema) return anyShape
  const known = shapes.get(schema.root as object) ?? new Map<string, Shape>()
  shapes.set(schema.root as object, known)
  const { pointer } = schema
  const shape = known.get(pointer) ?? gathered(schema)
  known.set(pointer, shape)
  return shape
}

function gathered(schema: Place): Shape {
  const types = new Set<string>()
  const properties = new Map<string, Place>()
  const found = { items: undefined as Place | undefined, additional: undefined as Place | undefined }
  const seen = new Set<string>()
  const waiting = [schema]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const place = next.resolved()
    if (seen.has(place.pointer)) continue
    seen.add(place.pointer)
    for (const type of typesOf(place.value)) types.add(type)
    for (const [name, property] of place.members('properties')) properties.set(name, property)
    found.items ??= place.child('items')
    found.additional ??= place.child('additionalProperties')
    waiting.push(...['allOf', 'anyOf', 'oneOf'].flatMap((key) => place.items(key)))
  }
  return { types, properties, ...found }
}

function typesOf(schema: unknown): string[] {
  if (!isObject(schema)) return []
  const { type, nullable } = schema
  const named = Array.isArray(type) ? type : type === undefined ? [] : [type]
  const values = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : []
  const types = named.length > 0 ? named : values.map(typeOf)
  return [...types.filter((each) => typeof each === 'string'), ...(nullable === true ? ['null'] : [])]
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** What text can hold: a text, a list of them, or texts by name. */
export type Written = string | readonly Written[] | { readonly [name: string]: Written }

/**
 * The value that a text stands for, by the types of its schema. Where a text will do, it stays one; a number must be written
 * as JSON writes it, so that a server behind which reads the same text sees the same number. What does not fit stays as it
 * is, for the schema to refuse.
 */
export function meant(written: Written, schema: Place | undefined): unknown {
  const shape = shapeOf(schema)
  if (typeof written === 'string') return meantText(written, shape)
  if (isList(written)) return written.map((item) => meant(item, shape.items))
  const values: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(written)) {
    values[name] = meant(value, shape.properties.get(name) ?? shape.additional)
  }
  return values
}

const isList = (written: Written): written is readonly Written[] => Array.isArray(written)

function meantText(text: string, { types, items }: Shape): unknown {
  if (types.size === 0 || types.has('string')) return text
  // A list of one, as a form or an exploded query writes it.
  if (types.has('array')) return [meant(text, items)]
  if (types.has('null') && text === '') return null
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if ((types.has('number') || types.has('integer')) && number.test(text)) {
    const value = Number(text)
    // A greater one would be another number by now.
    const isExact = !/^-?\d+$/.test(text) || Number.isSafeInteger(value)
    if (Number.isFinite(value) && isExact) return value
  }
  return text
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
