import type { Reply } from '@gatelet/core'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const fields: readonly (readonly [name: string, value: string])[] = [
  ['content-security-policy', policy],
  ['x-frame-options', 'DENY'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store, no-transform'],
]

/** Adds what every reply of the dashboard says, errors too: run nothing of others, be in no frame, be stored nowhere. */
export function secured(reply: Reply): Reply {
  for (const [name, value] of fields) reply.headers.set(name, value)
  return reply
}
