import type { Context, StandardSchema } from '@gatelet/core'
import type { Input } from '../sql/compile.ts'
import { type Judged, judged } from './judged.ts'
import { partsOf, type RequestParts, usualInput } from './parts.ts'

const MAX_BODY_BYTES = 1_048_576

/** What is needed of `InputOptions`. */
export interface InputRules<S extends object> {
  readonly input?: StandardSchema | undefined
  readonly from?: ((request: RequestParts<S>, ctx: Context<S>) => unknown) | undefined
  readonly maxBodyBytes?: number | undefined
}

/**
 * Gives what reads the input of a request.
 * @param own fields of the query that are not the statement's
 */
export function inputReader<S extends object>(
  { input: schema, from = usualInput, maxBodyBytes = MAX_BODY_BYTES }: InputRules<S>,
  own: readonly string[] = [],
): (ctx: Context<S>) => Promise<Judged> {
  if (!schema) return async () => ({ input: nothing })
  return async (ctx) => {
    const parts = await partsOf(ctx, maxBodyBytes, own)
    return judged(schema, await from(parts, ctx), parts.body !== undefined)
  }
}

const nothing: Input = Object.freeze({})
