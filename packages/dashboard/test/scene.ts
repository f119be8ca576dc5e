import type { Handler } from '@gatelet/core'
import {
  type BalancerHandle,
  type CacheHandle,
  type Dashboard,
  type DashboardOptions,
  dashboard,
  type PurgeWhat,
} from '@gatelet/dashboard'
import { type Answer, type CallRequest, call } from '@gatelet/testing'

/** A dashboard with a balancer and a cache that write down what is asked of them. */
export function scene(options: Partial<DashboardOptions> = {}): Scene {
  const drained: string[] = []
  const weights: [id: string, weight: number][] = []
  const purged: PurgeWhat[] = []
  const endpoint = { id: 'a', weight: 3, fullWeight: 3, inflight: 1, state: 'active', limit: Number.POSITIVE_INFINITY }
  const users: BalancerHandle = {
    endpoints: [endpoint],
    async drain(id) {
      drained.push(id)
      Object.assign(endpoint, { weight: 0, fullWeight: 0, state: 'draining' })
      throw new Error('it did not end in time')
    },
    setWeight(id, weight) {
      weights.push([id, weight])
      Object.assign(endpoint, { weight, fullWeight: weight, state: weight > 0 ? 'active' : 'draining' })
    },
  }
  const pages: CacheHandle = {
    purge(what) {
      purged.push(what)
      return 1
    },
  }
  const page = dashboard({ authorize: () => true, balancers: { users }, caches: { pages }, ...options })
  return { page, drained, weights, purged, ...callers(page) }
}

export interface Scene extends Callers {
  readonly page: Dashboard
  readonly drained: string[]
  readonly weights: [id: string, weight: number][]
  readonly purged: PurgeWhat[]
}

interface Callers {
  read(place: string, request?: CallRequest): Promise<Answer>
  /** As the page does: with a token, from the same origin. */
  change(place: string, what: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  token(): Promise<string>
}

export const own = { host: 'gateway.example', origin: 'http://gateway.example' }

function callers(page: Handler): Callers {
  const read = (place: string, request: CallRequest = {}) => call(page, { url: `/api/v1/${place}`, ...request })
  const token = async () => (await (await read('session')).json<{ csrfToken: string }>()).csrfToken
  return {
    read,
    token,
    async change(place, what, headers = {}) {
      const all = { ...own, 'x-csrf-token': await token(), ...headers }
      return call(page, { method: 'POST', url: `/api/v1/${place}`, headers: all, json: what })
    },
  }
}
