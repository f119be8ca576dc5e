import type { ReadonlyHeaders } from '@gatelet/core'

/** What the header fields of a webhook say. Nothing of it is proved. */
export interface WebhookClaim {
  /** HMAC-SHA-256 of `prefix` and the body; one of them must be right. At most 16 are looked at. */
  readonly signatures: readonly Uint8Array[]
  /** What is signed in front of the body. */
  readonly prefix: string
  /** When it was sent, in milliseconds since 1970; it must be signed, so in `prefix`. */
  readonly sentAt?: number
}

/** How a service signs its webhooks, by HMAC-SHA-256. */
export interface WebhookScheme {
  /** For the principal, as its subject. */
  readonly name: string
  /** The field without which a request is no webhook of this kind, in small letters. */
  readonly header: string
  /** @returns undefined for fields that are not as they must be; must not throw */
  read(headers: ReadonlyHeaders): WebhookClaim | undefined
  /** What a secret is as a key. Default: its text in UTF-8. @returns undefined for what is none */
  key?(secret: string): Uint8Array | undefined
}

/** Those that are known by name. */
export type WebhookSchemeName = 'github' | 'shopify' | 'slack' | 'standard' | 'stripe'

/** https://docs.github.com/webhooks: `X-Hub-Signature-256: sha256=<hex>`. Says nothing of when. */
const github: WebhookScheme = {
  name: 'github',
  header: 'x-hub-signature-256',
  read: (headers) => claim(hex(only(headers, 'x-hub-signature-256'), 'sha256='), ''),
}

/** https://shopify.dev: `X-Shopify-Hmac-Sha256: <base64>`. Says nothing of when. */
const shopify: WebhookScheme = {
  name: 'shopify',
  header: 'x-shopify-hmac-sha256',
  read: (headers) => claim(base64(only(headers, 'x-shopify-hmac-sha256')), ''),
}

/** https://api.slack.com/authentication/verifying-requests-from-slack, version 0. */
const slack: WebhookScheme = {
  name: 'slack',
  header: 'x-slack-signature',
  read(headers) {
    const time = only(headers, 'x-slack-request-timestamp')
    return isTime(time) ? claim(hex(only(headers, 'x-slack-signature'), 'v0='), `v0:${time}:`, time) : undefined
  },
}

/** https://docs.stripe.com/webhooks/signature: `t=<seconds>,v1=<hex>,v1=<hex>`; others than `v1` are passed over. */
const stripe: WebhookScheme = {
  name: 'stripe',
  header: 'stripe-signature',
  read(headers) {
    const parts = only(headers, 'stripe-signature')?.split(',') ?? []
    const times = parts.filter((part) => part.startsWith('t=')).map((part) => part.slice(2))
    const [time] = times
    if (times.length !== 1 || !isTime(time)) return undefined
    const signatures = parts.filter((part) => part.startsWith('v1=')).map((part) => hex(part, 'v1='))
    return claims(signatures, `${time}.`, time)
  },
}

/** https://www.standardwebhooks.com: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64> v1,<base64>`. */
const standard: WebhookScheme = {
  name: 'standard',
  header: 'webhook-signature',
  read(headers) {
    const id = only(headers, 'webhook-id')
    const time = only(headers, 'webhook-timestamp')
    // With a dot in it, the time and the body could begin elsewhere.
    if (id === undefined || !/^[^.\s]{1,256}$/.test(id) || !isTime(time)) return undefined
    const versions = only(headers, 'webhook-signature')?.split(' ') ?? []
    const signatures = versions.filter((part) => part.startsWith('v1,')).map((part) => base64(part.slice(3)))
    return claims(signatures, `${id}.${time}.`, time)
  },
  key(secret) {
    const text = secret.replace(/^whsec_/, '')
    const bytes = Buffer.from(text, 'base64')
    return bytes.toString('base64') === text && bytes.byteLength >= 16 ? bytes : undefined
  },
}

export const schemes: Readonly<Record<WebhookSchemeName, WebhookScheme>> = { github, shopify, slack, standard, stripe }

function only(headers: ReadonlyHeaders, name: string): string | undefined {
  const values = headers.getAll(name)
  return values.length === 1 ? values[0] : undefined
}

// Seconds since 1970, in one way only.
const isTime = (text: string | undefined): text is string => text !== undefined && /^[1-9]\d{0,10}$/.test(text)

function hex(text: string | undefined, prefix: string): Buffer | undefined {
  const digits = text?.startsWith(prefix) ? text.slice(prefix.length) : ''
  return /^[0-9a-f]{64}$/.test(digits) ? Buffer.from(digits, 'hex') : undefined
}

function base64(text: string | undefined): Buffer | undefined {
  const bytes = Buffer.from(text ?? '', 'base64')
  return bytes.byteLength === 32 && bytes.toString('base64') === text ? bytes : undefined
}

const claim = (signature: Buffer | undefined, prefix: string, time?: string) => claims([signature], prefix, time)

function claims(signatures: readonly (Buffer | undefined)[], prefix: string, time?: string): WebhookClaim | undefined {
  const written = signatures.filter((signature) => signature !== undefined)
  if (written.length === 0 || written.length < signatures.length) return undefined
  return { signatures: written, prefix, ...(time === undefined ? {} : { sentAt: Number(time) * 1_000 }) }
}
