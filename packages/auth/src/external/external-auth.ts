import {
  atOnce,
  bytesOf,
  type Clock,
  type Context,
  checkOptions,
  GatewayError,
  HeaderList,
  type MaybePromise,
  systemClock,
} from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import { folded } from '../identity/stripper.ts'
import { fetchText } from '../keys/fetch-json.ts'
import { type Claims, principalOf } from '../principal.ts'
import type { Proved, Refused, Unavailable, Verdict, Verifier } from '../verifier.ts'
import { type ExternalAuthOptions, type ExternalFields, type ExternalPrincipal, externalChecks } from './options.ts'
import { type Question, questionAbout } from './question.ts'

/**
 * Asks another server about each request, as Traefik's ForwardAuth and Envoy's ext_authz do: 2xx permits, 401 and 403 refuse, a redirect
 * leads to a page for logging in where `refusals` let it. Whatever else it answers, and no answer in time, lets nobody through: 503.
 * Requests in the same words that come together wait for one answer. It is asked about requests without a credential, too: among
 * others in `firstOf` it stands last.
 * @throws GatewayError `BAD_OPTION`
 * @example auth(externalAuth({ url: 'http://authelia:9091/api/authz/forward-auth', identify: { subject: 'remote-user', roles: 'remote-groups' } }))
 */
export function externalAuth<C extends object = Claims>(given: ExternalAuthOptions<C>): Verifier<C> {
  const { url, ...checked } = checkOptions('externalAuth', given, externalChecks)
  const { identify, requestHeaders = ['authorization', 'cookie'], bodyBytes } = checked
  refuseIdentity(requestHeaders, identify)
  const authoriser = new Authoriser(url, checked as unknown as Rules)

  async function withBody(ctx: Context, limit: number): Promise<Verdict> {
    let body: Uint8Array
    try {
      body = await bytesOf(ctx.request.body, limit)
    } catch (cause) {
      return { kind: 'unavailable', reason: 'body', cause }
    }
    const verdict = await authoriser.judge(questionAbout(ctx, requestHeaders, body))
    return verdict.kind === 'proved' ? { ...verdict, body } : verdict
  }

  return {
    challenges: [{ scheme: 'Bearer', params: {} }],
    verify(ctx) {
      const hasBody = bodyBytes !== undefined && ctx.request.body !== null
      const verdict = hasBody ? withBody(ctx, bodyBytes) : authoriser.judge(questionAbout(ctx, requestHeaders, undefined))
      return verdict as MaybePromise<Verdict<C>>
    },
  }
}

type Rules = Omit<ExternalAuthOptions, 'url'>
type Answered = Proved | Refused | Unavailable

/** What it said, and whether that was for one client alone. */
interface Answer {
  readonly verdict: Answered
  /** It sets a cookie: who else asks in the same words is another one. */
  readonly isPersonal: boolean
}

class Authoriser {
  private readonly url: URL
  private readonly rules: Rules
  private readonly clock: Clock
  private readonly told: readonly string[]
  private readonly known: LRUCache<string, { readonly verdict: Answered; readonly until: number }>
  private readonly asking = new Map<string, Promise<Answer>>()
  private pending = 0

  constructor(url: URL, rules: Rules) {
    this.url = url
    this.rules = rules
    this.clock = rules.clock ?? systemClock
    this.told = ['www-authenticate', ...(rules.refusals?.headers ?? [])]
    this.known = new LRUCache({ max: rules.cacheEntries ?? 10_000 })
  }

  judge(question: Question): MaybePromise<Answered> {
    const known = this.known.get(question.id)
    if (known && this.clock.now() < known.until) return known.verdict
    const asking = this.asking.get(question.id)
    if (asking !== undefined) return asking.then((answer) => (answer.isPersonal ? this.alone(question) : answer.verdict))
    return this.first(question)
  }

  private async first(question: Question): Promise<Answered> {
    const { id } = question
    const asking = this.ask(question)
    this.asking.set(id, asking)
    const { verdict, isPersonal } = await asking.finally(() => this.asking.delete(id))
    const { cacheMs = 0, negativeCacheMs = 0 } = this.rules
    const ms = verdict.kind === 'proved' ? lifeOf(verdict, cacheMs, this.clock.date()) : negativeCacheMs
    if (ms > 0 && verdict.kind !== 'unavailable' && !isPersonal) this.known.set(id, { verdict, until: this.clock.now() + ms })
    return verdict
  }

  private async alone(question: Question): Promise<Answered> {
    return (await this.ask(question)).verdict
  }

  /** Never rejects. */
  private async ask({ headers, body }: Question): Promise<Answer> {
    const { maxPending = 1_000, timeoutMs = 5_000, maxBytes = 65_536, fetch = globalThis.fetch } = this.rules
    if (this.pending >= maxPending) return unavailable('too-many-lookups', undefined, 1_000)
    this.pending++
    try {
      const init = { method: body ? 'POST' : 'GET', headers: headers as [string, string][], redirect: 'manual' } as const
      const rules = { fetch, clock: this.clock, timeoutMs, maxBytes }
      const { response, text } = await fetchText(
        this.url,
        body ? { ...init, body: body as Uint8Array<ArrayBuffer> } : init,
        rules,
      )
      return this.verdictOf(response, text)
    } catch (cause) {
      return unavailable('no-authoriser', cause)
    } finally {
      this.pending--
    }
  }

  private verdictOf(response: Response, text: string): Answer {
    const { status, headers } = response
    if (status >= 200 && status < 300) return this.permitted(headers)
    const { redirects = false } = this.rules.refusals ?? {}
    const isRedirect = [301, 302, 303, 307, 308].includes(status)
    if (isRedirect && redirects && headers.has('location')) return this.refused(status, 'redirected', response, text)
    if (isRedirect || status === 401) return this.refused(401, 'refused-elsewhere', response, text)
    if (status === 403) return this.refused(403, 'refused-elsewhere', response, text)
    return unavailable('no-authoriser', new Error(`${this.url.href} answered ${status}`))
  }

  private permitted(headers: Headers): Answer {
    const { identify } = this.rules
    const found = typeof identify === 'function' ? atOnce(identify(headers), 'identify') : read(headers, identify)
    if (!found || typeof found.subject !== 'string' || found.subject === '') {
      return unavailable('nobody-named', new Error(`${this.url.href} permitted, and did not say whom`))
    }
    const cookies = this.told.includes('set-cookie') ? headers.getSetCookie() : []
    const replyHeaders = cookies.map((cookie) => ['set-cookie', cookie] as const)
    const verdict: Proved = { kind: 'proved', principal: principalOf({ ...found, scheme: 'external' }) }
    return { verdict: cookies.length > 0 ? { ...verdict, replyHeaders } : verdict, isPersonal: headers.has('set-cookie') }
  }

  private refused(status: number, reason: string, { headers }: Response, text: string): Answer {
    const { body = false } = this.rules.refusals ?? {}
    const fields = [...headers].filter(([name]) => this.told.includes(name) && name !== 'location')
    const location = reason === 'redirected' ? headers.get('location') : null
    if (location !== null) fields.push(['location', location])
    const type = headers.get('content-type')
    const isTold = body && text !== ''
    if (isTold && type !== null) fields.push(['content-type', type])
    const told = isTold || reason === 'redirected' ? text : undefined
    const refusal: Refused = {
      kind: 'refused',
      status: status === 403 ? 403 : 401,
      reason,
      ...(told === undefined
        ? { replyHeaders: fields, ...(headers.has('www-authenticate') ? { challenges: [] } : {}) }
        : { reply: () => ({ status, headers: listOf(fields), body: isTold ? told : null }) }),
    }
    return { verdict: refusal, isPersonal: headers.has('set-cookie') }
  }
}

/** A permission is not remembered beyond the end that it has itself. */
function lifeOf({ principal: { expiresAt } }: Proved, cacheMs: number, date: number): number {
  return expiresAt === undefined ? cacheMs : Math.min(cacheMs, expiresAt - date)
}

function listOf(fields: readonly (readonly [string, string])[]): HeaderList {
  const list = new HeaderList()
  for (const [name, value] of fields) list.append(name, value)
  return list
}

function read(headers: Headers, { subject, scopes, roles, claims = {} }: ExternalFields): ExternalPrincipal {
  const names = (field: string | undefined) =>
    field === undefined ? [] : (headers.get(field) ?? '').split(/[\s,]+/).filter(Boolean)
  const told = Object.entries(claims).flatMap(([name, field]) => (headers.has(field) ? [[name, headers.get(field)]] : []))
  return {
    subject: headers.get(subject) ?? '',
    scopes: names(scopes),
    roles: names(roles),
    claims: Object.fromEntries(told) as Claims,
  }
}

function unavailable(reason: string, cause: unknown, retryAfterMs?: number): Answer {
  const more = retryAfterMs === undefined ? {} : { retryAfterMs }
  return { verdict: { kind: 'unavailable', reason, cause, ...more }, isPersonal: false }
}

// An authoriser that gives back what it was told would let the client name itself.
function refuseIdentity(requestHeaders: readonly string[], identify: ExternalAuthOptions['identify']): void {
  const { subject, scopes, roles, claims = {} } = typeof identify === 'function' ? ({} as Partial<ExternalFields>) : identify
  const own = [subject, scopes, roles, ...Object.values(claims)].flatMap((name) => (name === undefined ? [] : [folded(name)]))
  const at = requestHeaders.findIndex((name) => own.includes(folded(name)) || folded(name).startsWith('x-forwarded-'))
  if (at < 0) return
  const path = `requestHeaders[${at}]`
  const message = `externalAuth: ${path} must be a field that only the client writes (got ${JSON.stringify(requestHeaders[at])})`
  throw new GatewayError('BAD_OPTION', { path, message })
}
