import type { Context } from '@gatelet/core'

/** When the credentials of a request end, in milliseconds since 1970; by its shape: whoever proves who asks need not be our auth. */
export function expiryOf({ state }: Context): number | undefined {
  const { principal } = state as { readonly principal?: { readonly expiresAt?: unknown } | null }
  return typeof principal?.expiresAt === 'number' ? principal.expiresAt : undefined
}
