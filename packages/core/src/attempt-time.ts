import type { Context } from './contract.ts'

// In the global registry, so that packages with two copies of core in one program still understand each other.
const key: unique symbol = Symbol.for('gatelet.attemptMs')

/**
 * The same exchange, in which each attempt at one backend may take so many milliseconds at most: for who asks several in turn,
 * as a proxy does. A shorter time that was set before stays.
 */
export function withAttemptMs<S extends object>(ctx: Context<S>, ms: number): Context<S> {
  return ctx.with({ [key]: Math.min(ms, attemptMsOf(ctx) ?? ms) })
}

/** What one attempt may take, in milliseconds; undefined where no layer has said so. */
export function attemptMsOf<S extends object>(ctx: Context<S>): number | undefined {
  return (ctx.state as { readonly [key]?: number })[key]
}
