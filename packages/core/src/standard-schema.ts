import type { MaybePromise } from './contract.ts'
import { type Check, wrong } from './options.ts'

/** A schema of zod, valibot, arktype or any other library that follows Standard Schema v1 (standardschema.dev), by its shape. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => MaybePromise<SchemaResult<Output>>
    /** In types only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says of a value: another value, or what is wrong. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong. */
export interface SchemaIssue {
  readonly message: string
  /** The names that lead to it, the outermost first. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes. */
export type SchemaInput<T extends StandardSchema> = NonNullable<T['~standard']['types']>['input']

/** What a schema makes of it. */
export type SchemaOutput<T extends StandardSchema> = NonNullable<T['~standard']['types']>['output']

/** For options that hold a schema. */
export const schemaCheck: Check<StandardSchema> = (value, path) => {
  const standard = isThing(value) ? (value as Partial<StandardSchema>)['~standard'] : undefined
  if (standard?.version === 1 && typeof standard.validate === 'function') return value as StandardSchema
  throw wrong(value, path, 'a schema of zod, valibot, arktype or another library with Standard Schema v1')
}

// A schema of arktype is a function.
const isThing = (value: unknown) => (typeof value === 'object' && value !== null) || typeof value === 'function'
