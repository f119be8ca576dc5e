import type { Context } from '@gatelet/core'

/** Who asks, as far as partitions go by it. The principal of `@gatelet/auth` is one. */
export interface WhoAsks {
  readonly subject: string
  readonly scheme?: string
  readonly issuer?: string | undefined
  readonly scopes?: Iterable<string>
  readonly roles?: Iterable<string>
}

const known = new WeakMap<WhoAsks, string>()

/**
 * Principals that may be given the same replies. A token with fewer scopes is another one, although the subject is the same:
 * what it may see was perhaps decided by them.
 */
export function partitionOf({ state }: Context<{ principal: WhoAsks }>): string {
  const { principal } = state
  const before = known.get(principal)
  if (before !== undefined) return before
  const { issuer = '', subject, scheme = '', scopes = [], roles = [] } = principal
  const partition = JSON.stringify([issuer, subject, scheme, [...scopes].sort(), [...roles].sort()])
  known.set(principal, partition)
  return partition
}
