import { randomBytes } from 'node:crypto'
import { GatewayError, isPromise } from '@gatelet/core'
import { type Principal, type PrincipalInit, principalOf } from '../principal.ts'
import { absent, type Proved, type Refused, type Verdict, type Verifier } from '../verifier.ts'
import { type Content, contentOf, readContent } from './content.ts'
import { cookieValue, MAX_COOKIE, setCookie } from './cookie.ts'
import { type SessionOptions, type SessionRules, sessionRules } from './options.ts'
import { Seal } from './sealed.ts'

/** Sessions of browsers. */
export interface SessionVerifier extends Verifier {
  /**
   * Begins a session. What it holds is encrypted, and goes with each request: keep it small.
   * @returns the value for `Set-Cookie`
   * @throws GatewayError `BAD_HEADER` where the cookie would be larger than the 4,096 bytes that browsers keep; TypeError for claims that
   * JSON cannot say
   */
  create(who: Omit<PrincipalInit, 'scheme'>): Promise<string>
  /** Ends the session in the browser: the value for `Set-Cookie`. */
  clear(): string
}

/**
 * Keeps who is logged in in an encrypted cookie, which no script can read, and nothing on the server. A session is over when it is idle
 * for too long, and after a fixed time; while it is used it is renewed. Other sites may make browsers send it: use `sameOrigin()` too.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const sessions = session({ secrets: process.env.SESSION_SECRET })
 * empty({ status: 303, headers: { location: '/', 'set-cookie': await sessions.create({ subject: 'ada' }) } })
 */
export function session(given: SessionOptions): SessionVerifier {
  const rules = sessionRules(given)
  const seal = new Seal(rules.secrets, rules.name)
  const sessions = new Sessions(rules, seal)
  return {
    challenges: [{ scheme: 'Cookie', params: { 'cookie-name': rules.name } }],
    verify(ctx) {
      const value = cookieValue(ctx.request.headers, rules.name)
      // What `clear` leaves behind where a browser keeps it.
      if (value === undefined || value === '') return absent
      if (value === null) return { kind: 'refused', status: 400, reason: 'several-cookies' }
      return sessions.verify(value)
    },
    create: (who) => sessions.create(who),
    clear: () => setCookie(rules, '', 0),
  }
}

class Sessions {
  private readonly rules: SessionRules
  private readonly seal: Seal

  constructor(rules: SessionRules, seal: Seal) {
    this.rules = rules
    this.seal = seal
  }

  create(who: Omit<PrincipalInit, 'scheme'>): Promise<string> {
    const now = this.rules.clock.date()
    const principal = principalOf({ ...who, scheme: 'session' })
    return this.cookie(contentOf(principal, randomBytes(16).toString('base64url'), now))
  }

  async verify(value: string): Promise<Verdict> {
    const isShort = this.rules.name.length + value.length <= MAX_COOKIE
    const opened = isShort ? await this.seal.open(value) : undefined
    const content = opened && readContent(opened.content)
    if (!opened || !content) return this.refused('malformed')
    const now = this.rules.clock.date()
    const endsAt = this.endOf(content)
    if (now >= endsAt) return this.refused('expired')
    if (now >= content.seenAt + this.rules.idleMs) return this.refused('idle')
    const principal = principalOf({ ...content.who, scheme: 'session', expiresAt: endsAt })
    const problem = await this.revocation(content, principal)
    if (problem) return problem
    return this.renewed({ kind: 'proved', principal }, content, opened.isCurrent, now)
  }

  // Not each time: a cookie for every reply costs, and keeps caches from storing it.
  private async renewed(proved: Proved, content: Content, isCurrent: boolean, now: number): Promise<Proved> {
    if (isCurrent && now - content.seenAt < this.rules.idleMs / 4) return proved
    const cookie = await this.cookie({ ...content, seenAt: now })
    return { ...proved, replyHeaders: [['set-cookie', cookie], notShared] }
  }

  private async revocation({ id, createdAt }: Content, principal: Principal): Promise<Verdict | undefined> {
    const { isRevoked } = this.rules
    if (!isRevoked) return undefined
    try {
      const said = isRevoked({ id, createdAt }, principal)
      // Only `false` says that it was not.
      return (isPromise(said) ? await said : said) === false ? undefined : this.refused('revoked')
    } catch (cause) {
      return { kind: 'unavailable', reason: 'no-store', cause }
    }
  }

  private async cookie(content: Content): Promise<string> {
    const { name, idleMs, clock } = this.rules
    const value = await this.seal.seal(content)
    const size = name.length + value.length
    if (size > MAX_COOKIE) {
      throw new GatewayError('BAD_HEADER', {
        message: `The cookie of a session has ${size} bytes, of which browsers keep ${MAX_COOKIE}: keep fewer claims in it`,
      })
    }
    const leftMs = Math.min(content.seenAt + idleMs, this.endOf(content)) - clock.date()
    return setCookie(this.rules, value, Math.max(1, Math.ceil(leftMs / 1_000)))
  }

  private endOf({ createdAt, who }: Content): number {
    return Math.min(createdAt + this.rules.absoluteMs, who.expiresAt ?? Number.POSITIVE_INFINITY)
  }

  // Else the browser would send it again and again.
  private refused(reason: string): Refused {
    return { kind: 'refused', status: 401, reason, replyHeaders: [['set-cookie', setCookie(this.rules, '', 0)], notShared] }
  }
}

const notShared = ['cache-control', 'private'] as const
