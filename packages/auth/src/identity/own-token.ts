import { atOnce, systemClock } from '@gatelet/core'
import { SignJWT } from 'jose'
import type { Principal } from '../principal.ts'
import type { IdentityTokenOptions } from './options.ts'

interface Made {
  readonly text: string
  /** From when on another one is made, in milliseconds since 1970. */
  readonly until: number
}

/** Signs tokens for principals. One that is verified once for many requests gets one token for them. */
export class OwnTokens {
  private readonly options: IdentityTokenOptions
  private readonly made = new WeakMap<Principal<object>, Made>()

  constructor(options: IdentityTokenOptions) {
    this.options = options
  }

  /** The token that is there; undefined where one must be signed first. */
  known(principal: Principal<object>): string | undefined {
    const made = this.made.get(principal)
    return made && this.now < made.until ? made.text : undefined
  }

  async sign(principal: Principal<object>): Promise<string> {
    const { algorithm, keyId, key, issuer, audience, lifetimeMs = 60_000, claims } = this.options
    const { now } = this
    const { expiresAt = Number.POSITIVE_INFINITY } = principal
    const until = Math.min(now + lifetimeMs, expiresAt)
    const scope = principal.scopes.size > 0 ? { scope: [...principal.scopes].join(' ') } : {}
    const text = await new SignJWT({ ...scope, ...atOnce(claims?.(principal as Principal), 'claims') })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(principal.subject)
      .setIssuedAt(Math.floor(now / 1_000))
      .setExpirationTime(Math.min(Math.ceil(until / 1_000), Math.floor(expiresAt / 1_000)))
      .sign(key)
    // Half of its life is left for the upstream.
    this.made.set(principal, { text, until: now + (until - now) / 2 })
    return text
  }

  private get now(): number {
    return (this.options.clock ?? systemClock).date()
  }
}
