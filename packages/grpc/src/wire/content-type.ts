import type { ReadonlyHeaders } from '@gatelet/core'

/** Which of gRPC's protocols a message is in. */
export type Protocol = 'grpc' | 'web' | 'web-text'

/** The protocol that a `Content-Type` names; undefined for another kind of message. */
export function protocolOf(headers: ReadonlyHeaders): Protocol | undefined {
  const [, variant] = /^application\/grpc(-web-text|-web)?(?:[+; ]|$)/i.exec(headers.get('content-type') ?? '') ?? [
    undefined,
    null,
  ]
  if (variant === null) return undefined
  if (variant === undefined) return 'grpc'
  return variant.toLowerCase() === '-web' ? 'web' : 'web-text'
}
