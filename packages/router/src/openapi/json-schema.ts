import type { StandardSchema } from '../validation/standard-schema.ts'
import { isObject } from './place.ts'

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Makes JSON Schema of a schema; undefined where it cannot. */
export type SchemaWriter = (schema: StandardSchema) => object | undefined

/** Those that make JSON Schema themselves (zod from 4.2 on, arktype from 2.1.28 on) follow Standard JSON Schema. */
interface WithJsonSchema {
  readonly jsonSchema?: { readonly input: (options: { target: string }) => object }
}

/** The schemas of one document. Such as refer to themselves become components, since a reference is one within the document. */
export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {}
  private readonly own: SchemaWriter | undefined
  private readonly known = new Map<StandardSchema, JsonSchema>()

  constructor(own: SchemaWriter | undefined) {
    this.own = own
  }

  /** What it takes; the schema of anything where that cannot be told. */
  of(schema: StandardSchema): JsonSchema {
    const known = this.known.get(schema) ?? this.placed(this.own?.(schema) ?? written(schema) ?? {})
    this.known.set(schema, known)
    return known
  }

  /** The properties of an object's schema, and which of them must be there. */
  propertiesOf(schema: StandardSchema): [name: string, schema: JsonSchema, required: boolean][] {
    const whole = this.followed(this.of(schema))
    const { properties, required } = whole
    const names = Array.isArray(required) ? required : []
    return Object.entries(isObject(properties) ? properties : {}).map(([name, each]) => [
      name,
      isObject(each) ? each : {},
      names.includes(name),
    ])
  }

  private followed(schema: JsonSchema): JsonSchema {
    const { $ref } = schema
    return (typeof $ref === 'string' ? this.components[$ref.slice(prefix.length)] : undefined) ?? schema
  }

  private placed(schema: object): JsonSchema {
    const { $schema: _, $defs, ...rest } = schema as Record<string, unknown>
    if (!JSON.stringify(schema).includes('"$ref"')) return rest
    const name = `Schema${Object.keys(this.components).length + 1}`
    const moved = (value: unknown) => withReferences(value, name) as JsonSchema
    this.components[name] = moved(rest)
    for (const [key, each] of Object.entries(isObject($defs) ? $defs : {})) this.components[`${name}.${key}`] = moved(each)
    return { $ref: `${prefix}${name}` }
  }
}

const prefix = '#/components/schemas/'

function written(schema: StandardSchema): object | undefined {
  const standard = schema['~standard'] as StandardSchema['~standard'] & WithJsonSchema
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    // It has something that JSON Schema has no word for.
    return undefined
  }
}

/** The same, with `#` and `#/$defs/…` leading to the components of this name. */
function withReferences(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => withReferences(each, name))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (key !== '$ref' || typeof each !== 'string') return [key, withReferences(each, name)]
      const inner = each.startsWith('#/$defs/') ? `.${each.slice('#/$defs/'.length)}` : ''
      return [key, each === '#' || inner !== '' ? `${prefix}${name}${inner}` : each]
    }),
  )
}
