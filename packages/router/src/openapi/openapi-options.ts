import { type Checks, checkOptions, type Handler, type Middleware, options } from '@gatelet/core'
import type { RouteState } from '../params.ts'
import { maxBodyBytes, maxErrors, maxFields } from '../validation/bounds.ts'
import type { OpenApiOperation } from './operations.ts'
import type { PatternEngine } from './patterns.ts'
import type { AjvClass } from './schemas.ts'

/** What the routes of a document add to the state. */
export interface OpenApiState extends RouteState {
  readonly operation: OpenApiOperation
  /** By name, as the document describes them. What is described and was not sent is missing. */
  readonly valid: {
    readonly params: Readonly<Record<string, unknown>>
    readonly query: Readonly<Record<string, unknown>>
    readonly headers: Readonly<Record<string, unknown>>
    readonly cookies: Readonly<Record<string, unknown>>
    /** Undefined where there was none, and for media types that are not read: uploads go on as they come. */
    readonly body: unknown
  }
}

/** One way to be let in, of which one must hold: names of security schemes, with the scopes that are needed. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>

/** Who answers for the operations of a document, and how it is read. */
export interface OpenApiOptions<S extends object = {}> {
  /** Who answers, by `operationId`. */
  handlers?: Readonly<Record<string, Handler<NoInfer<S> & OpenApiState>>>
  /** Who answers for operations without a handler of their own, by the first of their tags that is here. */
  backends?: Readonly<Record<string, Handler<NoInfer<S> & OpenApiState>>>
  /** Who answers for all others. Left out: an operation that nobody answers stops the start. */
  fallback?: Handler<NoInfer<S> & OpenApiState>
  /**
   * Makes the layer that lets callers in, asked once for each operation with requirements; one of the list must hold, and `{}`
   * among them means that anybody may: only then may it make none. It stands before validation. `false`: they are held elsewhere.
   * Must be given where the document has requirements.
   */
  security?:
    | ((requirements: readonly SecurityRequirement[], operation: OpenApiOperation) => Middleware<NoInfer<S>> | undefined)
    | false
  /** `Ajv2020` of `ajv/dist/2020.js`. Default: the one that is installed is loaded. */
  ajv?: AjvClass
  /** Adds formats: `addFormats` of `ajv-formats`. Default: `format` is not looked at. */
  formats?: (ajv: never) => unknown
  /**
   * What makes regular expressions of `pattern`. Default: the engine's own, where they are shown to take no more time than in
   * proportion to the text; others stop the start. Give `(source, flags) => new RegExp(source, flags)` for a document whose
   * patterns you trust, or RE2.
   */
  patterns?: PatternEngine
  /** Bytes, 1 to 1 GiB; more are refused with 413. Default: 1 MiB. Bodies of types that are not read have no limit here. */
  maxBodyBytes?: number
  /** How many fields a query or a form may have, 1 to 100,000. Default: 1,000. */
  maxFields?: number
  /** How many mistakes a refusal names, 1 to 1,000. Default: 20. */
  maxErrors?: number
}

const { fn, optional, record, wrong } = options
const handlers = optional(record(fn<Handler>('a handler (ctx) => Reply')))

const checks: Checks<OpenApiOptions> = {
  handlers,
  backends: handlers,
  fallback: optional(fn('a handler (ctx) => Reply')),
  security(value, path) {
    if (value === undefined || value === false || typeof value === 'function') return value as OpenApiOptions['security']
    throw wrong(value, path, 'a function that makes a layer, or false')
  },
  ajv: optional(fn<never>('the class Ajv2020')) as unknown as Checks<OpenApiOptions>['ajv'],
  formats: optional(fn('a function that adds formats to ajv')),
  patterns: optional(fn('a function that makes regular expressions')),
  maxBodyBytes,
  maxFields,
  maxErrors,
}

/** @throws GatewayError `BAD_OPTION` */
export function checkedOpenApi(given: unknown): OpenApiOptions {
  return checkOptions<OpenApiOptions>('fromOpenAPI', given, checks)
}
