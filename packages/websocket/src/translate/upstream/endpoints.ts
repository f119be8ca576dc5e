import { type Balancer, type Check, type Endpoint, type Lease, options, type Target } from '@gatelet/core'

/** Servers that speak WebSocket: one, several, or a balancer of them. `http:` stands for `ws:`, `https:` for `wss:`. */
export type SocketEndpoints = string | URL | readonly (string | URL)[] | Balancer

/** Checks what `SocketEndpoints` may be, and makes a balancer of it. */
export const socketEndpoints: Check<Balancer> = (value, path) => {
  if (isBalancer(value)) return value
  if (typeof value === 'string' || value instanceof URL) return new EndpointList([socketUrl(value, path)])
  if (!Array.isArray(value)) throw options.wrong(value, path, 'a ws or wss URL, a list of them, or a balancer')
  return new EndpointList(options.list(socketUrl, { min: 1, max: 1_000 })(value, path))
}

const isBalancer = (value: unknown): value is Balancer =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Balancer>).acquire === 'function'

const socketUrl: Check<URL> = (value, path) => {
  const expected = 'a ws or wss URL such as ws://10.0.0.1:8080/rpc'
  if ((typeof value !== 'string' && !(value instanceof URL)) || !URL.canParse(String(value)))
    throw options.wrong(value, path, expected)
  const url = new URL(String(value))
  // First, so that no message shows a password.
  if (url.username !== '' || url.password !== '') throw options.wrong(url.host, path, 'a URL without user name and password')
  if (!/^(ws|http)s?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') throw options.wrong(value, path, expected)
  return url
}

/** Servers of which nothing is known but how busy they are: the least busy is picked, of equals one after the other. */
export class EndpointList implements Balancer {
  readonly endpoints: readonly ListedEndpoint[]
  private turn = 0

  constructor(urls: readonly URL[]) {
    this.endpoints = urls.map((origin) => ({ id: origin.href, weight: 1, inflight: 0, metadata: {}, target: { origin } }))
  }

  acquire({ tried }: { tried: readonly Endpoint[] }): Lease {
    const { endpoints, turn } = this
    this.turn = (turn + 1) % endpoints.length
    const inTurn = [...endpoints.slice(turn), ...endpoints.slice(0, turn)]
    const untried = inTurn.filter((endpoint) => !tried.includes(endpoint))
    const candidates = untried.length > 0 ? untried : inTurn
    return leaseOf(candidates.reduce((best, endpoint) => (endpoint.inflight < best.inflight ? endpoint : best)))
  }

  async close(): Promise<void> {}
}

interface ListedEndpoint extends Endpoint {
  inflight: number
  readonly target: Target
}

function leaseOf(endpoint: ListedEndpoint): Lease {
  let isHeld = true
  endpoint.inflight++
  return {
    endpoint,
    target: endpoint.target,
    answered() {},
    release() {
      if (isHeld) endpoint.inflight--
      isHeld = false
    },
  }
}

/** Where the WebSocket of an endpoint is. @param path with its query; put behind the endpoint's own path */
export function addressOf(target: Exclude<Target, { handler: unknown }>, path: string): string {
  const { origin, socketPath } = target
  const whole = `${origin.pathname.replace(/\/$/, '')}${path}` || '/'
  if (socketPath !== undefined) return `ws+unix:${socketPath}:${whole}`
  return `${origin.protocol === 'https:' || origin.protocol === 'wss:' ? 'wss:' : 'ws:'}//${origin.host}${whole}`
}
