import { type Checks, type Clock, type Context, checkOptions, type MaybePromise, options } from '@gatelet/core'
import type { ProvedToken } from './bearer-tokens.ts'
import { certificateThumbprint } from './certificate/certificate.ts'
import { type CertificateSourceOptions, certificateSourceCheck, presentedCertificate } from './certificate/presented.ts'
import type { Challenge } from './challenge.ts'
import { Nonces } from './dpop/nonces.ts'
import { type DpopOptions, type DpopRules, dpopCheck, dpopRules } from './dpop/options.ts'
import { provenBy } from './dpop/proof.ts'
import type { Json } from './strict-json.ts'
import type { Proved, Refused, Verdict } from './verifier.ts'

/** How who sends a token has to prove that it is theirs. */
export interface BindingOptions {
  /** Takes tokens that are bound to a key of the client's (RFC 9449), with a proof for each request. Default: refused. */
  dpop?: DpopOptions
  /** Takes tokens that are bound to the client's certificate (RFC 8705). Default: refused. */
  certificate?: CertificateSourceOptions
  /** Whether tokens that are bound to nothing are taken: whoever has one may use it. Default true. */
  bearer?: boolean
}

const { boolean, optional } = options

const checks: Checks<BindingOptions> = {
  dpop: optional(dpopCheck),
  certificate: optional(certificateSourceCheck),
  bearer: optional(boolean),
}

/** Sees to it that a token is used by whom it was given to. */
export class Binding {
  readonly challenges: readonly Challenge[]
  private readonly dpop: DpopRules | undefined
  private readonly nonces: Nonces | undefined
  private readonly certificate: CertificateSourceOptions | undefined
  private readonly takesBearer: boolean

  /** @throws GatewayError `BAD_OPTION` */
  constructor(owner: string, given: BindingOptions | undefined, clock: Clock) {
    const { dpop, certificate, bearer = true } = checkOptions(owner, given, checks)
    this.dpop = dpop && dpopRules(dpop, clock)
    this.nonces = this.dpop?.nonceSecret && new Nonces(this.dpop.nonceSecret, this.dpop)
    this.certificate = certificate
    this.takesBearer = bearer
    this.challenges = [
      ...(bearer || certificate || !dpop ? [{ scheme: 'Bearer', params: {} }] : []),
      ...(this.dpop ? [this.challenge()] : []),
    ]
  }

  /** Whether `Authorization: DPoP` is looked at. */
  get takesDpop(): boolean {
    return this.dpop !== undefined
  }

  /** The answer to a token, as far as it is known whose it is. */
  judge(ctx: Context, token: string, scheme: 'bearer' | 'dpop', proved: ProvedToken): MaybePromise<Verdict<object>> {
    const { cnf } = proved.claims
    if (scheme === 'bearer' && cnf === undefined) return this.takesBearer ? proved : this.refused('bearer', 'unbound-token')
    const { jkt, 'x5t#S256': x5t, ...others } = isObject(cnf) ? cnf : {}
    // Bound in a way that is not known here: it cannot be seen whether it holds.
    if ((jkt === undefined && x5t === undefined) || Object.keys(others).length > 0) return this.refused(scheme, 'bound-token')
    // RFC 9449 §7.2: one that is bound to a key is no bearer token, and the other way round.
    if ((scheme === 'dpop') !== (jkt !== undefined)) return this.refused(scheme, 'bound-token')
    const problem = x5t === undefined ? undefined : this.certificateProblem(ctx, x5t)
    if (problem !== undefined) return this.refused(scheme, problem)
    return scheme === 'dpop' ? this.proven(ctx, token, jkt, proved) : proved
  }

  /** The answer to a token that is not good. */
  refused(scheme: 'bearer' | 'dpop', reason: string, error = 'invalid_token'): Refused {
    const more: Record<string, string> = reason === 'expired' ? { error_description: 'The token has expired' } : {}
    const status = error === 'invalid_request' ? 400 : 401
    const challenge = scheme === 'dpop' ? this.challenge({ error, ...more }) : { scheme: 'Bearer', params: { error, ...more } }
    return { kind: 'refused', status, reason, challenges: [challenge], ...this.nonceFor(error) }
  }

  private async proven(ctx: Context, token: string, jkt: unknown, { principal }: Proved<object>): Promise<Verdict<object>> {
    const proof = await provenBy(ctx, token, this.dpop as DpopRules, this.nonces)
    if (proof.kind === 'unavailable') return proof
    if (proof.kind === 'refused') return this.refused('dpop', proof.reason, proof.error)
    if (proof.thumbprint !== jkt) return this.refused('dpop', 'wrong-proof-key')
    const next = proof.nonce === 'last' ? this.nonceFor('use_dpop_nonce') : {}
    return { kind: 'proved', principal: Object.freeze({ ...principal, scheme: 'dpop' }), ...next }
  }

  private certificateProblem(ctx: Context, x5t: unknown): string | undefined {
    if (!this.certificate) return 'bound-token'
    const presented = presentedCertificate(ctx, this.certificate)
    if (presented === undefined) return 'no-certificate'
    return presented !== 'malformed' && certificateThumbprint(presented) === x5t ? undefined : 'wrong-certificate'
  }

  private challenge(more: Readonly<Record<string, string>> = {}): Challenge {
    return { scheme: 'DPoP', params: { ...more, algs: (this.dpop?.algorithms ?? []).join(' ') } }
  }

  private nonceFor(error: string): { replyHeaders?: NonNullable<Refused['replyHeaders']> } {
    return error === 'use_dpop_nonce' && this.nonces ? { replyHeaders: [['dpop-nonce', this.nonces.current]] } : {}
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
