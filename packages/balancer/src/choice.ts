import type { Ask, Context, Endpoint, PickContext } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'
import { type Gate, reasonAt } from './gate.ts'

/** The endpoints that may be picked now, in the order of the list. Never changed: a new one takes its place. */
export type Rotation = ReadonlySet<EndpointState>

/** What may be asked about a context to find the key that it is hashed by. */
export type KeyOf = (ctx: Context) => string | undefined

const nobody: readonly Endpoint[] = []

/** One pick: what the strategy may ask, and which answers are acceptable. Serves one pick after another, from `begin` to `end`. */
export class Choice implements PickContext {
  attempt = 0
  /** Somebody was refused only because it is at a limit. */
  isHeldBack = false
  private readonly keyOf: KeyOf | undefined
  private readonly gates: readonly Gate[]
  private ask: Ask | undefined
  private rotation: ReadonlySet<Endpoint> = new Set()
  private passedOver = nobody
  private key: string | undefined
  private isKeyKnown = false

  constructor(keyOf: KeyOf | undefined, gates: readonly Gate[]) {
    this.keyOf = keyOf
    this.gates = gates
  }

  begin(ask: Ask): this {
    this.attempt = ask.tried.length
    this.ask = ask
    this.passedOver = ask.tried
    this.isKeyKnown = false
    this.isHeldBack = false
    return this
  }

  /** From now on one of these is to be picked. */
  among(rotation: Rotation): this {
    this.rotation = rotation
    return this
  }

  /** From now on, one that was tried already will do. */
  again(): void {
    this.passedOver = nobody
  }

  /** Lets go of the request: it must not live as long as the balancer. */
  end(): this {
    this.ask = undefined
    this.passedOver = nobody
    this.key = undefined
    return this
  }

  get hashKey(): string | undefined {
    if (this.isKeyKnown || !this.ask) return this.key
    this.isKeyKnown = true
    const { hashKey, context } = this.ask
    this.key = hashKey ?? (context && this.keyOf?.(context))
    return this.key
  }

  // Bound, so that a strategy may take its context apart: `pick({ accepts, hashKey })`.
  readonly accepts = (endpoint: Endpoint): endpoint is EndpointState =>
    this.isAmong(endpoint) &&
    (this.passedOver.length === 0 || !this.passedOver.includes(endpoint)) &&
    (this.gates.length === 0 || this.isAdmitted(endpoint))

  private isAmong(endpoint: Endpoint): endpoint is EndpointState {
    return this.rotation.has(endpoint)
  }

  private isAdmitted(endpoint: EndpointState): boolean {
    const reason = reasonAt(this.gates, endpoint)
    if (reason === 'at-limit') this.isHeldBack = true
    return reason === undefined
  }
}
