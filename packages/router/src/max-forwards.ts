import type { Context } from '@gatelet/core'

// In the global registry, so that routers of two copies of this package in one program still understand each other.
const key: unique symbol = Symbol.for('gatelet.router.max-forwards')

/**
 * How often an OPTIONS or TRACE request may still be sent on (RFC 9110 §7.6.2): 0 is for us to answer. Undefined where the client
 * did not say, where it said no number, for other methods, and where a router around this one has counted already.
 */
export function maxForwards({ request, state }: Context): number | undefined {
  if (request.method !== 'OPTIONS' && request.method !== 'TRACE') return undefined
  if ((state as { readonly [key]?: true })[key]) return undefined
  const value = request.headers.get('max-forwards')
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : undefined
}

/** The request with one less. */
export function counted(ctx: Context, left: number): Context {
  const headers = ctx.request.headers.clone().set('max-forwards', String(left - 1))
  return ctx.withRequest({ headers }).with({ [key]: true })
}
