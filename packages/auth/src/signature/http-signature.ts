import { createHash } from 'node:crypto'
import { type Body, bytesOf, type Context, isPromise, lengthOf, type MaybePromise, originalOf } from '@gatelet/core'
import { lookedUp } from '../looked-up.ts'
import { once } from '../once.ts'
import { principalOf } from '../principal.ts'
import { absent, type Proved, type Refused, type Verdict, type Verifier } from '../verifier.ts'
import { signatureBase } from './base.ts'
import { claimedSignature, type SignatureClaim } from './claim.ts'
import { isCovered } from './component.ts'
import { checkedBody, contentDigests, isBodyOf } from './content-digest.ts'
import { type HttpSignatureOptions, type SignatureRules, signatureRules } from './options.ts'
import { isSignedBy, type SignatureKey, verifyingKey } from './signature-key.ts'

/**
 * Verifies HTTP Message Signatures (RFC 9421) over the request as the client sent it: its raw target and header fields, whatever layers
 * have changed since. Each key is for one algorithm, which the message cannot choose. Place it in front of layers that change bodies;
 * in front of a framework's own handlers, which cannot be given a body that was read, behind `express.raw({ type: '*\/*' })`.
 * @throws GatewayError `BAD_OPTION`
 * @example httpSignature({ keys: { partner: { algorithm: 'ed25519', key: partnerPublicKey } } })
 */
export function httpSignature(given: HttpSignatureOptions): Verifier {
  const rules = signatureRules(given)
  const components = rules.components.map(({ id }) => id).join(' ')
  return {
    challenges: [{ scheme: 'Signature', params: { components, ...(rules.tag === undefined ? {} : { tag: rules.tag }) } }],
    verify(ctx) {
      const claim = claimedSignature(originalOf(ctx.request).headers, rules)
      if (claim === undefined) return absent
      if (typeof claim === 'string') return refused(claim, 400)
      const problem = claimProblem(claim, rules)
      if (problem !== undefined) return refused(problem)
      return lookedUp(
        () => rules.keys(claim.keyid),
        (key) => signed(ctx, claim, key, rules),
      )
    },
  }
}

function claimProblem({ components, created, expires, nonce }: SignatureClaim, rules: SignatureRules): string | undefined {
  if (!rules.components.every((wanted) => isCovered(wanted, components))) return 'not-covered'
  const now = rules.clock.date()
  const age = now - created * 1_000
  if (age < -rules.toleranceMs) return 'from-the-future'
  if (age > rules.windowMs + rules.toleranceMs) return 'too-old'
  if (expires !== undefined && now >= expires * 1_000 + rules.toleranceMs) return 'expired'
  return rules.replays && nonce === undefined ? 'no-nonce' : undefined
}

function signed(
  ctx: Context,
  claim: SignatureClaim,
  key: SignatureKey | undefined,
  rules: SignatureRules,
): MaybePromise<Verdict> {
  if (!key) return refused('unknown-key')
  const { algorithm, key: _, subject = claim.keyid, ...rest } = key
  if (claim.alg !== undefined && claim.alg !== algorithm) return refused('wrong-algorithm')
  const verifying = verifyingKey(key)
  if (!verifying) return { kind: 'unavailable', reason: 'bad-key' }
  if (key.expiresAt !== undefined && !(rules.clock.date() < key.expiresAt)) return refused('expired-key')
  const base = signatureBase(originalOf(ctx.request), claim, rules)
  if (!base) return refused('missing-component')
  if (!isSignedBy(verifying, algorithm, base, claim.signature)) return refused('bad-signature')
  const proved: Proved = { kind: 'proved', principal: principalOf({ ...rest, subject, scheme: 'signature' }) }
  const withBody = bodyChecked(ctx, claim, rules, proved)
  // Last, so that nobody uses up the nonce of a message by sending it with another body.
  return isPromise(withBody) ? withBody.then((late) => onceOnly(late, claim, rules)) : onceOnly(withBody, claim, rules)
}

// More than this is checked while it streams.
const COLLECT_BYTES = 65_536

function bodyChecked(ctx: Context, claim: SignatureClaim, rules: SignatureRules, proved: Proved): MaybePromise<Verdict> {
  const body = bodyOf(ctx)
  if (body === undefined) return { kind: 'unavailable', reason: 'unreadable-body' }
  const covering = claim.components.filter(({ name }) => name === 'content-digest')
  if (covering.length === 0) return body !== null && rules.needsDigest ? refused('body-not-covered') : proved
  const members = covering.every(({ form }) => form === 'member') ? new Set(covering.map(({ part }) => part ?? '')) : undefined
  const digests = contentDigests(originalOf(ctx.request).headers.get('content-digest'), members)
  if (!digests) return refused('bad-digest', 400)
  if (body === null || typeof body === 'string' || body instanceof Uint8Array)
    return isBodyOf(digests, body ?? '') ? proved : refused('wrong-body', 400)
  if ((lengthOf(body) ?? Number.POSITIVE_INFINITY) > COLLECT_BYTES) return { ...proved, body: checkedBody(body, digests) }
  return bytesOf(body, COLLECT_BYTES).then(
    (bytes) => (isBodyOf(digests, bytes) ? { ...proved, body: bytes } : refused('wrong-body', 400)),
    (cause: unknown) => ({ kind: 'unavailable', reason: 'unreadable-body', cause }),
  )
}

/** @returns undefined for one that somebody has read already */
function bodyOf({ request }: Context): Body | undefined {
  try {
    return request.body
  } catch {
    return undefined
  }
}

function onceOnly(verdict: Verdict, claim: SignatureClaim, rules: SignatureRules): MaybePromise<Verdict> {
  const { replays, clock } = rules
  if (verdict.kind !== 'proved' || !replays) return verdict
  const { keyid, nonce = '', created } = claim
  // By key: nobody can use up the nonces of another one.
  const id = createHash('sha256').update(`${keyid.length} ${keyid} ${nonce}`).digest('base64url')
  const madeAt = created * 1_000
  return once(verdict, { replays, clock }, { id, madeAt, untilMs: madeAt + rules.windowMs + rules.toleranceMs })
}

const refused = (reason: string, status: 400 | 401 = 401): Refused => ({ kind: 'refused', status, reason })
