import { createHash } from 'node:crypto'
import { type Context, canonicalizePath, GatewayError, isPromise, originalOf } from '@gatelet/core'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { readCompact } from '../jwt/compact.ts'
import { type Algorithm, fits, isGivenAway } from '../keys/fit.ts'
import type { Json } from '../strict-json.ts'
import type { Nonces } from './nonces.ts'
import type { DpopRules } from './options.ts'

/** What became of a proof. */
export type ProofVerdict =
  | { readonly kind: 'proved'; readonly thumbprint: string; readonly nonce: 'current' | 'last' | undefined }
  /** `use_dpop_nonce`: it is good but for the nonce. */
  | { readonly kind: 'refused'; readonly reason: string; readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce' }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly cause: unknown }

/**
 * Checks a proof of possession: all twelve points of RFC 9449 §4.3, and that it was not used before (§11.1).
 * @param token that it comes with
 */
export async function provenBy(ctx: Context, token: string, rules: DpopRules, nonces: Nonces | undefined): Promise<ProofVerdict> {
  // 1: exactly one field.
  const fields = ctx.request.headers.getAll('dpop')
  if (fields.length !== 1) return refused(fields.length === 0 ? 'no-proof' : 'several-proofs')
  const text = fields[0] as string
  // 2: one JWT that is well-formed, in the same strict reading as tokens.
  const proof = readCompact(text)
  if (!proof) return refused('malformed-proof')
  const key = keyOf(proof.header, rules)
  if (typeof key === 'string') return refused(key)
  const problem = await claimProblem(ctx, proof.payload, token, rules)
  if (problem !== undefined) return refused(problem)
  // 6: the signature is of the key that it shows.
  if (!(await isSigned(text, key))) return refused('bad-proof-signature')
  // 10: the nonce, if we give one. Looked at last, since it is told apart.
  const nonce = nonces?.judge(proof.payload['nonce'])
  if (nonces && !nonce) return { kind: 'refused', reason: 'proof-nonce', error: 'use_dpop_nonce' }
  return once(await calculateJwkThumbprint(key.jwk), proof.payload, rules, nonce)
}

interface ProofKey {
  readonly jwk: JWK
  readonly algorithm: Algorithm
}

function keyOf({ typ, alg, jwk, crit, b64 }: Json, rules: DpopRules): ProofKey | string {
  // 4: the type.
  if (typeof typ !== 'string' || typ.toLowerCase() !== 'dpop+jwt') return 'proof-type'
  // 5: an algorithm that is asymmetric and accepted.
  if (!rules.algorithms.includes(alg as Algorithm)) return 'proof-algorithm'
  if (crit !== undefined || b64 !== undefined) return 'proof-extension'
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return 'proof-key'
  // 7: no private key, of any kind.
  if (isGivenAway(jwk as JWK)) return 'proof-key'
  return fits(jwk as JWK, alg as Algorithm) ? { jwk: jwk as JWK, algorithm: alg as Algorithm } : 'proof-key'
}

// 3: every claim that is required is there, and of its type.
async function claimProblem(ctx: Context, claims: Json, token: string, rules: DpopRules): Promise<string | undefined> {
  const { jti, htm, htu, iat, ath } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) return 'proof-id'
  // 8: the method, as it is written in the request.
  if (htm !== originalOf(ctx.request).method) return 'proof-method'
  // 9: the address, without query and fragment.
  const asked = ownAddress(ctx, rules.origin)
  if (typeof htu !== 'string' || asked === undefined || addressOf(htu) !== asked) return 'proof-address'
  // 11: made within the window.
  if (typeof iat !== 'number') return 'proof-date'
  const age = rules.clock.date() - iat * 1_000
  if (!(age >= -rules.toleranceMs && age <= rules.windowMs + rules.toleranceMs)) return 'proof-date'
  // 12, the first half: made for this token.
  const hash = createHash('sha256').update(token, 'ascii').digest('base64url')
  return ath === hash ? undefined : 'proof-token'
}

const MAX_JTI = 256

async function isSigned(text: string, { jwk, algorithm }: ProofKey): Promise<boolean> {
  try {
    const { use: _, key_ops: __, ext: ___, ...bare } = jwk
    await compactVerify(text, await importJWK(bare as JWK, algorithm), { algorithms: [algorithm] })
    return true
  } catch {
    return false
  }
}

async function once(
  thumbprint: string,
  { jti, iat }: Json,
  rules: DpopRules,
  nonce: 'current' | 'last' | undefined,
): Promise<ProofVerdict> {
  // By key: nobody can use up the names of another one's proofs.
  const id = createHash('sha256')
    .update(`${thumbprint} ${jti as string}`)
    .digest('base64url')
  const madeAt = (iat as number) * 1_000
  const untilMs = madeAt + rules.windowMs + rules.toleranceMs
  // It has ended while its signature was looked at: a store may have forgotten it.
  if (rules.clock.date() >= untilMs) return refused('proof-date')
  try {
    const said = rules.replays.use(id, madeAt, untilMs)
    const isFirst = isPromise(said) ? await said : said
    return isFirst === true ? { kind: 'proved', thumbprint, nonce } : refused('replayed-proof')
  } catch (cause) {
    return { kind: 'unavailable', reason: 'no-store', cause }
  }
}

function addressOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, host, pathname, username, password } = new URL(text)
  if (username !== '' || password !== '') return undefined
  return canonical(`${protocol}//${host}`, pathname)
}

/** What the client has asked, before routers and layers changed it. @returns undefined for what has no address in one reading */
function ownAddress({ request }: Context, origin: URL | undefined): string | undefined {
  const { target, url } = originalOf(request)
  const port = url.port === undefined ? '' : `:${url.port}`
  const path = target.startsWith('/') ? target : URL.canParse(target) ? new URL(target).pathname : url.path
  return canonical(origin?.origin ?? `${url.scheme}://${url.host}${port}`, path.replace(/\?.*$/s, ''))
}

function canonical(origin: string, path: string): string | undefined {
  try {
    return origin + canonicalizePath(path, { doubleSlash: true, encodedSlash: true, encodedBackslash: true })
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

const refused = (reason: string): ProofVerdict => ({ kind: 'refused', reason, error: 'invalid_dpop_proof' })
