import { type Check, type Checks, type Clock, checkOptions, isToken, options, systemClock } from '@gatelet/core'
import type { ReplayStore } from '../dpop/replays.ts'
import { replayStoreCheck } from '../once.ts'
import { schemes, type WebhookScheme, type WebhookSchemeName } from './scheme.ts'

/** Whose webhooks are taken. */
export interface WebhookOptions {
  /** How they are signed: that of a service that is known, or one of your own. `standard`: standardwebhooks.com (Svix and others). */
  scheme: WebhookSchemeName | WebhookScheme
  /** What is shared with the service, 16 characters or more; several while it is changed, 10 at most. */
  secrets: string | readonly string[]
  /**
   * How long ago it may have been sent, and how far in the future, in milliseconds, 1,000 to 86,400,000. GitHub and Shopify do not say
   * when. Default 300,000.
   */
  toleranceMs?: number
  /** Longest body, in bytes, 1 to 67,108,864. It is held while it is checked; a longer one is answered 413. Default 1,048,576. */
  maxBytes?: number
  /** How many bodies are read at a time, 1 to 100,000: so much is held for who may be nobody. More are answered 503. Default 100. */
  maxPending?: number
  /**
   * Where it is remembered what has come, so that nothing is taken twice; what the service sends again by itself has another time. Not
   * for those that do not say when: there the handler has to look at the id of the delivery. Default: not remembered.
   */
  replays?: ReplayStore
  /** Who the principal is. Default: the name of the scheme. */
  subject?: string
  clock?: Clock
}

/** `WebhookOptions`, checked, with every default filled in. */
export interface WebhookRules {
  readonly scheme: WebhookScheme
  readonly keys: readonly Uint8Array[]
  readonly toleranceMs: number
  readonly maxBytes: number
  readonly maxPending: number
  readonly replays: ReplayStore | undefined
  readonly subject: string
  readonly clock: Clock
}

const { list, number, optional, string, wrong } = options

const scheme: Check<WebhookOptions['scheme']> = (value, path) => {
  if (typeof value === 'string' && Object.hasOwn(schemes, value)) return value as WebhookSchemeName
  const { name, header, read } = (value ?? {}) as Partial<WebhookScheme>
  const isScheme = typeof name === 'string' && typeof header === 'string' && isToken(header) && typeof read === 'function'
  if (isScheme) return value as WebhookScheme
  throw wrong(value, path, `${Object.keys(schemes).join(', ')}, or a scheme with name, header and read`)
}

const secret: Check<string> = (value, path) => {
  // Never what it is.
  if (typeof value !== 'string' || value.length < 16) throw wrong(typeof value, path, 'a secret of at least 16 characters')
  return value
}

const checks: Checks<WebhookOptions> = {
  scheme,
  // Not `either`, whose message says what was given.
  secrets: (value, path) => (Array.isArray(value) ? list(secret, { min: 1, max: 10 }) : secret)(value, path),
  toleranceMs: optional(number({ min: 1_000, max: 86_400_000, unit: 'ms' })),
  maxBytes: optional(number({ min: 1, max: 67_108_864, integer: true, unit: 'bytes' })),
  maxPending: optional(number({ min: 1, max: 100_000, integer: true })),
  replays: optional(replayStoreCheck),
  subject: optional(string),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function webhookRules(given: WebhookOptions): WebhookRules {
  const checked = checkOptions('webhook', given, checks)
  const { secrets, toleranceMs = 300_000, maxBytes = 1_048_576, maxPending = 100, replays, clock = systemClock } = checked
  const scheme = typeof checked.scheme === 'string' ? schemes[checked.scheme] : checked.scheme
  const keys = (typeof secrets === 'string' ? [secrets] : secrets).map((text, at) => {
    const key = scheme.key ? scheme.key(text) : Buffer.from(text)
    if (key) return key
    throw wrong('another text', typeof secrets === 'string' ? 'secrets' : `secrets[${at}]`, `a secret of ${scheme.name}`)
  })
  if (replays && (scheme === schemes.github || scheme === schemes.shopify))
    throw wrong(scheme.name, 'replays', 'left out where nothing says when it was sent')
  return { scheme, keys, toleranceMs, maxBytes, maxPending, replays, subject: checked.subject ?? scheme.name, clock }
}
