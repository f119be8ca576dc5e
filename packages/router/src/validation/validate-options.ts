import { type Checks, options } from '@gatelet/core'
import { maxBodyBytes, maxErrors, maxFields } from './bounds.ts'
import type { BodyKind } from './read-body.ts'
import { type SchemaInput, type SchemaOutput, type StandardSchema, schema } from './standard-schema.ts'

/** A schema, or none. */
export type Maybe = StandardSchema | undefined

/** What is validated, and by which schema. Any library with Standard Schema v1 will do; each part may have another. */
export interface ValidateOptions<
  P extends Maybe = Maybe,
  Q extends Maybe = Maybe,
  H extends Maybe = Maybe,
  B extends Maybe = Maybe,
> {
  /** The router's params. What the schema takes must be there by the types: a name that the pattern lacks does not compile. */
  params?: P
  /** An object of the query's fields: text, or a list of texts for a name that comes again. */
  query?: Q
  /** An object of the header fields, by lower-case name; values of several lines are joined by `, `. */
  headers?: H
  /** The body. Where there is none, or an empty one, the schema is asked about `undefined`. */
  body?: B
  /**
   * What the body may be: `json` (`application/json` and every `+json`), `form` (`application/x-www-form-urlencoded`, as an
   * object like the query's). Others are refused with 415. Default: JSON alone.
   */
  bodyTypes?: readonly BodyKind[]
  /** Bytes, 1 to 1 GiB; more are refused with 413. The body is in memory while it is validated and sent on. Default: 1 MiB. */
  maxBodyBytes?: number
  /** How many fields a query or a form may have, 1 to 100,000. Default: 1,000. */
  maxFields?: number
  /** How many mistakes a refusal names, 1 to 1,000. Default: 20. */
  maxErrors?: number
}

/** What schemas made of the parts of a request: only those that were validated are there. */
export type Valid<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  H extends Maybe = undefined,
  B extends Maybe = undefined,
> = (P extends StandardSchema ? { readonly params: SchemaOutput<P> } : {}) &
  (Q extends StandardSchema ? { readonly query: SchemaOutput<Q> } : {}) &
  (H extends StandardSchema ? { readonly headers: SchemaOutput<H> } : {}) &
  (B extends StandardSchema ? { readonly body: SchemaOutput<B> } : {})

/** The state that `validate` adds. */
export interface ValidState<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  H extends Maybe = undefined,
  B extends Maybe = undefined,
> {
  readonly valid: Valid<P, Q, H, B>
}

/** The state that `validate` reads: the router's params, where they are validated. */
export type NeedsParams<P extends Maybe> = P extends StandardSchema ? { readonly params: SchemaInput<P> } : {}

/** The checks of `ValidateOptions`. */
export const validateChecks: Checks<ValidateOptions> = {
  params: options.optional(schema),
  query: options.optional(schema),
  headers: options.optional(schema),
  body: options.optional(schema),
  bodyTypes: options.optional(options.list(options.oneOf('json', 'form'), { min: 1 })),
  maxBodyBytes,
  maxFields,
  maxErrors,
}
