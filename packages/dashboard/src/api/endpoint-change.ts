import { type Context, GatewayError, json, type Reply } from '@gatelet/core'
import type { BalancerHandle, EndpointHandle } from '../handles.ts'
import { Ask } from './ask.ts'

const MAX_WEIGHT = 1_000_000

/** Drains endpoints, brings them back, and gives them weights. */
export class EndpointChanges {
  // What an endpoint had before it was drained here. Gone with the endpoint.
  private readonly weights = new WeakMap<EndpointHandle, number>()

  /**
   * `{ "balancer": "users", "id": "a", "action": "drain" | "ready" | "weight", "weight": 2 }`. Answers when the change holds, not
   * when the last request in flight has left.
   * @throws GatewayError `BAD_REQUEST`, `NOT_FOUND`, `FORBIDDEN` where the balancer cannot be changed
   */
  async handle(ctx: Context, balancers: Readonly<Record<string, BalancerHandle>>): Promise<Reply> {
    const ask = await Ask.of(ctx)
    const { balancer, endpoint } = found(balancers, ask.text('balancer'), ask.text('id'))
    const action = ask.oneOf('action', ['drain', 'ready', 'weight'])
    if (action === 'drain') this.drain(balancer, endpoint)
    else setWeight(balancer, endpoint, action === 'ready' ? this.weightBefore(endpoint) : ask.number('weight', MAX_WEIGHT))
    const { id, state = 'active', weight, fullWeight = weight } = endpoint
    return json({ id, state, weight: fullWeight })
  }

  private drain(balancer: BalancerHandle, endpoint: EndpointHandle): void {
    if (!balancer.drain) throw unchangeable()
    const weight = endpoint.fullWeight ?? endpoint.weight
    if (weight > 0) this.weights.set(endpoint, weight)
    // Waits for the requests in flight, minutes perhaps. That they did not end in time is nothing that somebody waits for.
    balancer.drain(endpoint.id).catch(() => {})
  }

  private weightBefore(endpoint: EndpointHandle): number {
    return endpoint.fullWeight || this.weights.get(endpoint) || 1
  }
}

function setWeight(balancer: BalancerHandle, { id }: EndpointHandle, weight: number): void {
  if (!balancer.setWeight) throw unchangeable()
  balancer.setWeight(id, weight)
}

function found(balancers: Readonly<Record<string, BalancerHandle>>, name: string, id: string) {
  const balancer = Object.hasOwn(balancers, name) ? balancers[name] : undefined
  const endpoint = balancer?.endpoints.find((each) => each.id === id)
  if (!balancer || !endpoint) throw new GatewayError('NOT_FOUND', { detail: 'there is no such balancer or endpoint' })
  return { balancer, endpoint }
}

function unchangeable(): GatewayError {
  return new GatewayError('FORBIDDEN', { detail: 'this balancer cannot be changed' })
}
