import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import type { AffinityRules } from './options.ts'

/** What a client's token says. */
export interface Session {
  readonly endpoint: EndpointState
  /** Made with the newest secret. */
  readonly isCurrent: boolean
}

/** 16 bytes in base64url. */
const NAME = /^[\w-]{22}$/
// How far the clocks of two gateways may be apart.
const SKEW_S = 300

/** Makes and reads what a client carries: a name for its endpoint, and in signed mode since when, with a signature. */
export class Tokens {
  private readonly rules: AffinityRules
  private readonly clock: Clock
  private readonly names = new WeakMap<EndpointState, readonly string[]>()
  private byName: ReadonlyMap<string, Session> = new Map()

  constructor(rules: AffinityRules, clock: Clock) {
    this.rules = rules
    this.clock = clock
  }

  update(members: readonly EndpointState[]): void {
    this.byName = new Map(
      members.flatMap((endpoint) =>
        this.namesOf(endpoint).map((name, at): [string, Session] => [name, { endpoint, isCurrent: at === 0 }]),
      ),
    )
  }

  tokenFor(endpoint: EndpointState): string {
    const [name] = this.namesOf(endpoint) as [string]
    if (!this.rules.isSigned) return name
    const payload = `${name}.${Math.floor(this.clock.date() / 1000).toString(36)}`
    return `${payload}.${this.signature(payload, this.rules.secrets[0] as string)}`
  }

  /** @returns undefined for what is no token, was changed, is too old, or names nobody who is a member: it says nothing */
  read(token: string): Session | undefined {
    if (!this.rules.isSigned) return this.byName.get(token)
    const [name = '', since = '', signature = '', ...more] = token.split('.')
    if (more.length > 0 || !NAME.test(name) || !NAME.test(signature) || !/^[0-9a-z]{1,9}$/.test(since)) return undefined
    const isGenuine = this.rules.secrets.some((secret) => isSame(signature, this.signature(`${name}.${since}`, secret)))
    return isGenuine && this.isInTime(Number.parseInt(since, 36)) ? this.byName.get(name) : undefined
  }

  private isInTime(since: number): boolean {
    const ageS = this.clock.date() / 1000 - since
    return ageS >= -SKEW_S && ageS < (this.rules.maxAgeS ?? Number.POSITIVE_INFINITY)
  }

  private namesOf(endpoint: EndpointState): readonly string[] {
    const known = this.names.get(endpoint)
    if (known) return known
    // Of the id alone, so that all gateways with the secret agree, and a restarted one with itself.
    const names = this.rules.secrets.map((secret) => mac(secret, `endpoint ${endpoint.id}`))
    this.names.set(endpoint, names)
    return names
  }

  private signature(payload: string, secret: string): string {
    return mac(secret, `session ${payload}`)
  }
}

const mac = (secret: string, text: string): string =>
  createHmac('sha256', secret).update(text).digest().subarray(0, 16).toString('base64url')

// Both have the length of a name.
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b))
