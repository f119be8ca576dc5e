import type { Ask, Context, Endpoint, PickContext } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'

/** The endpoints that may be picked now, in the order of the list. Never changed: a new one takes its place. */
export type Rotation = ReadonlySet<EndpointState>

const nobody: readonly Endpoint[] = []

/** One pick: what the strategy may ask, and which answers are acceptable. Serves one pick after another, from `begin` to `end`. */
export class Choice implements PickContext {
  attempt = 0
  private readonly keyOf: ((ctx: Context) => string | undefined) | undefined
  private ask: Ask | undefined
  private rotation: ReadonlySet<Endpoint> = new Set()
  private passedOver = nobody
  private key: string | undefined
  private isKeyKnown = false

  constructor(keyOf: ((ctx: Context) => string | undefined) | undefined) {
    this.keyOf = keyOf
  }

  begin(rotation: Rotation, ask: Ask): this {
    this.attempt = ask.tried.length
    this.ask = ask
    this.rotation = rotation
    this.passedOver = hasTriedAll(rotation, ask.tried) ? nobody : ask.tried
    this.isKeyKnown = false
    return this
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
    this.rotation.has(endpoint) && (this.passedOver.length === 0 || !this.passedOver.includes(endpoint))
}

/** Whether a request has been to every endpoint that may be picked. */
export function hasTriedAll(rotation: Rotation, tried: readonly Endpoint[]): boolean {
  if (tried.length === 0) return false
  for (const endpoint of rotation) if (!tried.includes(endpoint)) return false
  return true
}
