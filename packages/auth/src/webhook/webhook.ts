import { createHmac } from 'node:crypto'
import { atOnce, type Body, bytesOf, type Context, type MaybePromise } from '@gatelet/core'
import { isSameHash } from '../digest.ts'
import { once } from '../once.ts'
import { principalOf } from '../principal.ts'
import { absent, type Proved, type Refused, type Unavailable, type Verdict, type Verifier } from '../verifier.ts'
import { type WebhookOptions, type WebhookRules, webhookRules } from './options.ts'
import type { WebhookClaim } from './scheme.ts'

/**
 * Verifies webhooks by the HMAC of their body, which it reads, bounded, and gives on byte for byte. In front of a framework's own
 * handlers, which cannot be given a body that was read, let the framework read it before: `express.raw({ type: '*\/*' })`.
 * @throws GatewayError `BAD_OPTION`
 * @example webhook({ scheme: 'github', secrets: process.env.GITHUB_WEBHOOK_SECRET })
 */
export function webhook(given: WebhookOptions): Verifier {
  const rules = webhookRules(given)
  const { scheme } = rules
  const bodies = new Bodies(rules)
  return {
    challenges: [{ scheme: 'Webhook', params: { header: scheme.header } }],
    verify(ctx) {
      const { headers } = ctx.request
      if (!headers.has(scheme.header)) return absent
      const claim = atOnce(scheme.read(headers), `read of ${scheme.name}`)
      if (!claim) return refused('malformed', 400)
      const problem = timeProblem(claim, rules)
      return problem === undefined ? bodies.judge(ctx, claim) : refused(problem)
    },
  }
}

// Before the body is read: what is too old needs no work.
function timeProblem({ sentAt }: WebhookClaim, { toleranceMs, replays, clock }: WebhookRules): string | undefined {
  if (sentAt === undefined) return replays ? 'no-date' : undefined
  const age = clock.date() - sentAt
  // Not `>`: what is no number is refused.
  return Math.abs(age) <= toleranceMs ? undefined : 'too-old'
}

/** Reads bodies, so many at a time. */
class Bodies {
  private readonly rules: WebhookRules
  private reading = 0

  constructor(rules: WebhookRules) {
    this.rules = rules
  }

  judge(ctx: Context, claim: WebhookClaim): MaybePromise<Verdict> {
    try {
      const { body } = ctx.request
      // What is here already can be read again.
      if (body === null || typeof body === 'string') return judged(claim, Buffer.from(body ?? ''), this.rules)
      return body instanceof Uint8Array ? judged(claim, body, this.rules) : this.read(body, claim)
    } catch (cause) {
      return unreadable(cause)
    }
  }

  private read(body: Body, claim: WebhookClaim): MaybePromise<Verdict> {
    const { maxPending, maxBytes } = this.rules
    if (this.reading >= maxPending) return { kind: 'unavailable', reason: 'too-many-pending' }
    this.reading++
    return bytesOf(body, maxBytes)
      .finally(() => this.reading--)
      .then((bytes) => judged(claim, bytes, this.rules, bytes), unreadable)
  }
}

function judged(claim: WebhookClaim, bytes: Uint8Array, rules: WebhookRules, body?: Uint8Array): MaybePromise<Verdict> {
  const hash = rightHash(claim, bytes, rules.keys)
  if (!hash) return refused('bad-signature')
  const principal = principalOf({ subject: rules.subject, scheme: 'webhook' })
  const proved: Proved = { kind: 'proved', principal, ...(body === undefined ? {} : { body }) }
  const { sentAt } = claim
  const { replays, clock } = rules
  if (!replays || sentAt === undefined) return proved
  const id = hash.toString('base64url')
  return once(proved, { replays, clock }, { id, madeAt: sentAt, untilMs: sentAt + rules.toleranceMs })
}

function rightHash({ signatures, prefix }: WebhookClaim, bytes: Uint8Array, keys: readonly Uint8Array[]): Buffer | undefined {
  let right: Buffer | undefined
  for (const key of keys) {
    const hash = createHmac('sha256', key).update(prefix).update(bytes).digest()
    for (const signature of signatures.slice(0, MAX_SIGNATURES)) if (isSameHash(hash, Buffer.from(signature))) right = hash
  }
  return right
}

const MAX_SIGNATURES = 16

const refused = (reason: string, status: 400 | 401 = 401): Refused => ({ kind: 'refused', status, reason })

const unreadable = (cause: unknown): Unavailable => ({ kind: 'unavailable', reason: 'unreadable-body', cause })
