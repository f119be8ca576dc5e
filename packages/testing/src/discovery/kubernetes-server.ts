import type { ServerResponse } from 'node:http'
import { Registry, type RegistryRequest, sendJson } from './registry.ts'

/** One pod in a slice. */
export interface SliceEndpoint {
  addresses: readonly string[]
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean }
  targetRef?: { kind: 'Pod'; name: string; uid: string }
  nodeName?: string
  zone?: string
}

/** The pods of a service, or some of them, as far as discovery needs it (discovery.k8s.io/v1). */
export interface EndpointSlice {
  name: string
  /** Of which service. */
  service: string
  addressType?: 'IPv4' | 'IPv6'
  ports?: readonly { name?: string; port: number }[]
  endpoints: readonly SliceEndpoint[]
}

/**
 * The part of a Kubernetes API that discovery needs, on a real server: list (in pages) and watch of EndpointSlices in the
 * namespace `default`, with resource versions, bookmarks and 410.
 */
export class KubernetesServer extends Registry {
  /** How many slices a page of a list has. Default: as many as are asked for. */
  pageSize: number | undefined
  private readonly slices = new Map<string, unknown>()
  private readonly watches = new Map<ServerResponse, string>()
  private history: { readonly version: number; readonly service: string; readonly line: string }[] = []
  private version = 100
  private oldest = 0

  /** Watches that are open now. */
  get watching(): number {
    return this.watches.size
  }

  /** Makes a slice, or changes it. */
  apply(slice: EndpointSlice): void {
    const type = this.slices.has(slice.name) ? 'MODIFIED' : 'ADDED'
    const object = objectOf(slice, ++this.version)
    this.slices.set(slice.name, object)
    this.tell(type, slice.service, object)
  }

  delete(name: string): void {
    const { metadata, ...rest } = this.slices.get(name) as ReturnType<typeof objectOf>
    this.slices.delete(name)
    const object = { ...rest, metadata: { ...metadata, resourceVersion: String(++this.version) } }
    this.tell('DELETED', metadata.labels['kubernetes.io/service-name'], object)
  }

  /** Says to all watches how far they are, without a change. */
  bookmark(): void {
    const object = { kind: 'EndpointSlice', metadata: { resourceVersion: String(++this.version) } }
    for (const res of this.watches.keys()) write(res, { type: 'BOOKMARK', object })
  }

  /** Forgets what was: who asks for a change after an earlier version is answered 410. */
  compact(): void {
    this.history = []
    this.oldest = this.version
  }

  /** Tells all watches that their version is too old, and ends them. */
  expire(): void {
    for (const res of this.watches.keys()) res.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`)
  }

  /** Ends all watches, as after their timeout. */
  endWatches(): void {
    for (const res of this.watches.keys()) res.end()
  }

  /** Writes to all watches, in pieces or whatever a test wants. */
  write(text: string): void {
    for (const res of this.watches.keys()) res.write(text)
  }

  protected answer(request: RegistryRequest, res: ServerResponse): void {
    const { path, query, headers } = request
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) {
      res.writeHead(401).end('Unauthorized')
      return
    }
    if (path !== '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices') res.writeHead(404).end()
    else if (query.has('watch')) this.open(query, res)
    else this.list(query, res)
  }

  private list(query: URLSearchParams, res: ServerResponse): void {
    const wanted = [...this.slices.values()].filter((slice) => isOf(slice as ReturnType<typeof objectOf>, serviceIn(query)))
    const from = Number(query.get('continue') ?? 0)
    const until = from + Math.min(this.pageSize ?? Number.POSITIVE_INFINITY, Number(query.get('limit') ?? wanted.length))
    const metadata = { resourceVersion: String(this.version), ...(until < wanted.length ? { continue: String(until) } : {}) }
    sendJson(res, { kind: 'EndpointSliceList', metadata, items: wanted.slice(from, until) })
  }

  private open(query: URLSearchParams, res: ServerResponse): void {
    const after = Number(query.get('resourceVersion'))
    if (after < this.oldest) {
      res.writeHead(410).end(JSON.stringify(gone))
      return
    }
    res.writeHead(200, { 'content-type': 'application/json' })
    res.flushHeaders()
    const service = serviceIn(query)
    for (const past of this.history) if (past.version > after && past.service === service) res.write(past.line)
    this.watches.set(res, service)
    res.on('close', () => {
      this.watches.delete(res)
      this.watch.changed()
    })
    this.watch.changed()
  }

  private tell(type: string, service: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`
    this.history.push({ version: this.version, service, line })
    for (const [res, wanted] of this.watches) if (wanted === service) res.write(line)
  }
}

/** Starts a Kubernetes API on a free port. */
export async function kubernetesServer(): Promise<KubernetesServer> {
  const server = new KubernetesServer()
  await server.start()
  return server
}

const gone = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 }

const LABEL = 'kubernetes.io/service-name'

function objectOf(
  { name, service, addressType = 'IPv4', ports = [{ name: 'http', port: 8080 }], endpoints }: EndpointSlice,
  version: number,
) {
  const labels: Readonly<Record<typeof LABEL, string>> = { [LABEL]: service }
  return { metadata: { name, labels, resourceVersion: String(version) }, addressType, ports, endpoints }
}

const isOf = (slice: ReturnType<typeof objectOf>, service: string): boolean => slice.metadata.labels[LABEL] === service

const serviceIn = (query: URLSearchParams): string => query.get('labelSelector')?.replace(`${LABEL}=`, '') ?? ''

const write = (res: ServerResponse, event: unknown): boolean => res.write(`${JSON.stringify(event)}\n`)
