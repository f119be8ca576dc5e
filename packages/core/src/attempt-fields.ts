import type { Endpoint } from './balancing.ts'
import type { Context } from './contract.ts'

/** One attempt at one backend, just before it is made. */
export interface ComingAttempt {
  readonly endpoint: Endpoint
  /** Counts from 0. */
  readonly attempt: number
  readonly origin: URL
}

/** What one attempt is told besides the request's own header fields; of these, those of the same name go. */
export type AttemptFields = (attempt: ComingAttempt) => readonly (readonly [name: string, value: string])[]

// In the global registry, so that packages with two copies of core in one program still understand each other.
const key: unique symbol = Symbol.for('gatelet.attemptFields')

/**
 * The same exchange, in which each attempt at a backend is told something of its own: a trace names each of them. What layers have
 * set so before is told too.
 * @param fields asked once for each attempt; it must not throw
 */
export function withAttemptFields<S extends object>(ctx: Context<S>, fields: AttemptFields): Context<S> {
  const before = attemptFieldsOf(ctx)
  return ctx.with({ [key]: before ? (attempt: ComingAttempt) => [...before(attempt), ...fields(attempt)] : fields })
}

/** What attempts are told besides; undefined where no layer has said so. */
export function attemptFieldsOf<S extends object>(ctx: Context<S>): AttemptFields | undefined {
  return (ctx.state as { readonly [key]?: AttemptFields })[key]
}

/** A flat list of header fields with these in place of those of the same names. */
export function withFields(raw: readonly string[], fields: readonly (readonly [string, string])[]): string[] {
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  const out: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (!names.has((raw[i] as string).toLowerCase())) out.push(raw[i] as string, raw[i + 1] as string)
  }
  return out.concat(...fields)
}
