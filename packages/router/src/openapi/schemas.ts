import { GatewayError } from '@gatelet/core'
import { type Finding, finding, type RequestPart } from '../validation/finding.ts'
import { Loops } from './loops.ts'
import type { PatternEngine } from './patterns.ts'
import type { Place } from './place.ts'
import { type AjvKeyword, uniqueItems } from './unique-items.ts'

/** One error of ajv. */
export interface AjvError {
  readonly instancePath: string
  readonly message?: string
}

/** What ajv compiles a schema to. */
export interface AjvValidator {
  (value: unknown): unknown
  readonly errors?: readonly AjvError[] | null
}

/** As much of ajv as is used here. */
export interface AjvInstance {
  addSchema(schema: object, key: string, meta?: boolean, validate?: boolean): unknown
  validateSchema(schema: object | boolean): unknown
  compile(schema: object): AjvValidator
  removeKeyword(name: string): unknown
  addKeyword(definition: AjvKeyword): unknown
  readonly errors?: readonly AjvError[] | null
}

/** The class of ajv: `import { Ajv2020 } from 'ajv/dist/2020.js'`. */
export type AjvClass = new (options: object) => AjvInstance

/** Looks at one value. @returns what is wrong; empty for nothing */
export type Judge = (value: unknown, part: RequestPart, path: string) => readonly Finding[]

/** Loads ajv when nobody gave it. @throws GatewayError `BAD_OPTION` that says how to install it */
export async function loadAjv(): Promise<AjvClass> {
  try {
    const loaded: { Ajv2020?: unknown; default?: unknown } = await import('ajv/dist/2020.js')
    return (loaded.Ajv2020 ?? loaded.default) as AjvClass
  } catch (cause) {
    const message = 'fromOpenAPI: ajv must be installed (npm install ajv), or given as the option ajv'
    throw new GatewayError('BAD_OPTION', { path: 'ajv', message, cause })
  }
}

/** The schemas of one document. Each is compiled where it stands, so that references and circles need no copies. */
export class Schemas {
  private readonly ajv: AjvInstance
  private readonly judges = new Map<string, Judge>()
  private readonly loops = new Loops()

  constructor(document: object, Ajv: AjvClass, patterns: PatternEngine, formats?: (ajv: never) => unknown) {
    // The first error is enough: to look for all of them is what a hostile body would be made for.
    const engine = Object.assign((source: string, flags: string) => patterns(source, flags), { code: 'patterns' })
    // Only what an object has itself counts: every one has a `toString` by birth, which nobody sent.
    const rules = { strict: false, logger: false, allErrors: false, ownProperties: true }
    this.ajv = new Ajv({ ...rules, code: { regExp: engine } })
    this.ajv.removeKeyword(uniqueItems.keyword)
    this.ajv.addKeyword(uniqueItems)
    formats?.(this.ajv as never)
    this.ajv.addSchema(document, BASE, undefined, false)
  }

  /** @throws GatewayError `BAD_OPTION` for what is no JSON Schema 2020-12, and for one that would ask itself for ever */
  judge(schema: Place): Judge {
    const found = this.judges.get(schema.pointer) ?? this.compiled(schema)
    this.judges.set(schema.pointer, found)
    return found
  }

  private compiled(schema: Place): Judge {
    const { value } = schema
    if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null)) throw schema.wrong('a schema')
    this.loops.refuse(schema)
    const validator = this.attempt(schema, () => {
      if (this.ajv.validateSchema(value) !== true) throw new Error(told(this.ajv.errors?.[0]))
      return this.ajv.compile({ $ref: `${BASE}#${encoded(schema.pointer)}` })
    })
    return (value, part, path) =>
      validator(value) === true
        ? []
        : (validator.errors ?? []).map(({ instancePath, message }) =>
            finding(part, path + instancePath, message ?? 'is not valid'),
          )
  }

  private attempt<T>(schema: Place, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw schema.wrong(`a schema that can be compiled: ${error instanceof Error ? error.message : error}`, error)
    }
  }
}

const BASE = 'openapi:'

const told = (error: AjvError | undefined) => `${error?.instancePath ?? ''} ${error?.message ?? 'is no schema'}`.trim()

const encoded = (pointer: string) => pointer.split('/').map(encodeURIComponent).join('/')
