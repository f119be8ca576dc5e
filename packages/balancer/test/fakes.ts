import type { ManagedBalancer } from '@gatelet/balancer'
import {
  type Endpoint,
  isLease,
  type Lease,
  type Outcome,
  type PickContext,
  type Strategy,
  type StrategyFactory,
} from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'

/** An endpoint whose figures a test sets as it likes. */
export interface FakeEndpoint extends Endpoint {
  weight: number
  inflight: number
}

/** Endpoints a, b, c, … with these weights. */
export function fakes(...weights: number[]): FakeEndpoint[] {
  return weights.map((weight, at) => ({ id: idAt(at), weight, inflight: 0, metadata: {} }))
}

/** a, b, … z, then e26, e27, … */
const idAt = (at: number): string => (at < 26 ? String.fromCharCode(97 + at) : `e${at}`)

/** One pick where these may be picked; default: all. */
export function among(accepts: (endpoint: Endpoint) => boolean = () => true): PickContext {
  return { hashKey: undefined, attempt: 0, accepts }
}

/** A strategy that knows these endpoints. The same seed gives the same picks. */
export function made(factory: StrategyFactory, endpoints: readonly Endpoint[], seed = 1): Strategy {
  const strategy = factory({ now: () => 0, random: seededRandom(seed) })
  strategy.update(endpoints)
  return strategy
}

/** The ids of `n` picks, one after another; nothing gets busier by them. */
export function picks(strategy: Strategy, n: number, context: PickContext = among()): (string | undefined)[] {
  return Array.from({ length: n }, () => strategy.pick(context)?.id)
}

/** Sends `n` requests that never end. */
export function fill(strategy: Strategy, n: number): void {
  for (let sent = 0; sent < n; sent++) (strategy.pick(among()) as FakeEndpoint).inflight++
}

/** How often each id is there. */
export function counts(ids: readonly (string | undefined)[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const id of ids) found[String(id)] = (found[String(id)] ?? 0) + 1
  return found
}

/** Five standard deviations of a binomial count: what chance goes beyond once in 1.7 million times. */
export function fiveSigma(n: number, probability: number): number {
  return 5 * Math.sqrt(n * probability * (1 - probability))
}

/** A lease on any endpoint, or on the one with this id as if every other had been tried. */
export function leaseOf(balancer: ManagedBalancer, id?: string): Lease {
  const tried = id === undefined ? [] : balancer.endpoints.filter((endpoint) => endpoint.id !== id)
  const answer = balancer.tryAcquire({ tried })
  if (!isLease(answer)) throw new Error(`refused: ${answer.reason}`)
  return answer
}

/** One whole attempt. */
export function attempt(balancer: ManagedBalancer, kind: Outcome['kind'], id?: string): string {
  const lease = leaseOf(balancer, id)
  lease.answered({ kind, latencyMs: 1 })
  lease.release()
  return lease.endpoint.id
}

/** So many attempts at one endpoint, all failing. */
export function failTimes(balancer: ManagedBalancer, times: number, id: string): void {
  for (let done = 0; done < times; done++) attempt(balancer, 'failure', id)
}

/** The endpoint with this id, as it is now. */
export function viewOf(balancer: ManagedBalancer, id: string): ManagedBalancer['endpoints'][number] {
  const found = balancer.endpoints.find((endpoint) => endpoint.id === id)
  if (!found) throw new Error(`no endpoint ${id}`)
  return found
}

/** A URL endpoint whose id is its letter. */
export const named = (id: string, weight = 1): { url: string; id: string; weight: number } => ({
  url: `http://${id}.test:80`,
  id,
  weight,
})
