import { type HeaderList, isNamed, type ReadonlyHeaders } from '@gatelet/core'
import type { CorsOptions } from './cors-options.ts'

/** What replies say, prepared once. */
export class CorsHeaders {
  private readonly methods: string
  private readonly headers: string
  private readonly exposed: readonly string[]
  private readonly isCredentialed: boolean
  private readonly maxAge: string | undefined
  private readonly isPrivate: boolean

  constructor(given: CorsOptions) {
    const { allowMethods = [], allowHeaders = [], exposeHeaders = [], allowCredentials = false, maxAgeS } = given
    this.methods = listed(allowMethods)
    this.headers = listed(allowHeaders)
    this.exposed = exposeHeaders
    this.isCredentialed = allowCredentials
    this.maxAge = maxAgeS?.toString()
    this.isPrivate = given.allowPrivateNetwork === true
  }

  /** On every reply to an allowed origin. */
  share(reply: HeaderList, origin: string): void {
    const exposed = this.exposedOf(reply)
    reply.set('access-control-allow-origin', origin)
    if (this.isCredentialed) reply.set('access-control-allow-credentials', 'true')
    if (exposed !== '') reply.set('access-control-expose-headers', exposed)
  }

  /** On the reply to a preflight of an allowed origin. */
  permit(reply: HeaderList, request: ReadonlyHeaders): void {
    // As they were asked for: with credentials browsers take a star for a name, and it never stands for `Authorization`.
    const methods = this.methods === '*' ? request.get('access-control-request-method') : this.methods
    const headers = this.headers === '*' ? request.get('access-control-request-headers') : this.headers
    if (methods && isList(methods)) reply.set('access-control-allow-methods', methods)
    if (headers && isList(headers)) reply.set('access-control-allow-headers', headers)
    if (this.maxAge !== undefined) reply.set('access-control-max-age', this.maxAge)
    if (this.isPrivate && request.get(PRIVATE) === 'true') reply.set('access-control-allow-private-network', 'true')
  }

  private exposedOf(reply: HeaderList): string {
    if (!this.exposed.includes('*')) return this.exposed.join(', ')
    if (!this.isCredentialed) return '*'
    const names = new Set<string>()
    for (const [name] of reply) if (!isNamed(name, 'set-cookie')) names.add(name.toLowerCase())
    return [...names].join(', ')
  }
}

const PRIVATE = 'access-control-request-private-network'

/** What the reply to a preflight depends on, beside the origin. */
export const PREFLIGHT_VARY: readonly string[] = [
  'Access-Control-Request-Method',
  'Access-Control-Request-Headers',
  'Access-Control-Request-Private-Network',
]

/** Takes away what somebody behind has said: two answers to one question are none to a browser. */
export function withoutCors(reply: HeaderList): void {
  const names = new Set<string>()
  for (const [name] of reply) if (/^access-control-/i.test(name)) names.add(name)
  for (const name of names) reply.delete(name)
}

const listed = (names: readonly string[]): string => (names.includes('*') ? '*' : names.join(', '))

// Linear: a comma and a space are no part of a name.
const isList = (value: string): boolean => /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/.test(value)
