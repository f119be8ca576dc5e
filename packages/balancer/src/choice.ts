import type { Ask, Context, Endpoint, PickContext } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'

/** The endpoints that may be picked now, in the order of the list. Never changed: a new one takes its place. */
export type Rotation = ReadonlySet<EndpointState>

/** One pick: what the strategy may ask, and which answers are acceptable. */
export class Choice implements PickContext {
  readonly attempt: number
  private readonly ask: Ask
  private readonly keyOf: ((ctx: Context) => string | undefined) | undefined
  private readonly rotation: ReadonlySet<Endpoint>
  private readonly passedOver: readonly Endpoint[]
  private key: string | undefined
  private isKeyKnown = false

  constructor(rotation: Rotation, ask: Ask, keyOf: ((ctx: Context) => string | undefined) | undefined) {
    this.attempt = ask.tried.length
    this.ask = ask
    this.keyOf = keyOf
    this.rotation = rotation
    this.passedOver = ask.tried.length > 0 && isAnyLeft(rotation, ask.tried) ? ask.tried : nobody
  }

  get hashKey(): string | undefined {
    if (this.isKeyKnown) return this.key
    this.isKeyKnown = true
    const { hashKey, context } = this.ask
    this.key = hashKey ?? (context && this.keyOf?.(context))
    return this.key
  }

  accepts(endpoint: Endpoint): endpoint is EndpointState {
    return this.rotation.has(endpoint) && (this.passedOver.length === 0 || !this.passedOver.includes(endpoint))
  }
}

const nobody: readonly Endpoint[] = []

function isAnyLeft(rotation: Rotation, tried: readonly Endpoint[]): boolean {
  for (const endpoint of rotation) if (!tried.includes(endpoint)) return true
  return false
}
