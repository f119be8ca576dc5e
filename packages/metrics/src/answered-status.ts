import type { EventMap } from '@gatelet/core'

/** The status that an upstream answered with. That of an attempt which failed is none: it is what the client is told. */
export function answeredStatus({ outcome, error }: EventMap['upstream:attempted']): number | undefined {
  return error === undefined ? outcome.status : undefined
}
