import type { IncomingMessage, ServerResponse } from 'node:http'
import { Listener } from '../listener.ts'
import { Watch } from '../watch.ts'

/** What a registry does wrong, from the next request on. `status` and `garbage` are whole answers; `hang` gives none. */
export type RegistryFault =
  | { kind: 'status'; status: number; times?: number }
  /** 200, and a body that is not JSON. */
  | { kind: 'garbage'; times?: number }
  | { kind: 'hang'; times?: number }
  /** Breaks the connection off (RST). */
  | { kind: 'reset'; times?: number }
  /** The head and a part of a body, then it breaks the connection off. */
  | { kind: 'reset-mid-body'; times?: number }

/** A request that came to a registry. */
export interface RegistryRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<IncomingMessage['headers']>
}

/** What all fake registries have: a real HTTP server on 127.0.0.1, of which a test sees everything. */
export abstract class Registry implements AsyncDisposable {
  fault: RegistryFault | undefined
  /** Another one is answered 403 (401 by Kubernetes). Undefined: none is needed. */
  token: string | undefined
  /** What came, oldest first, at most 10,000. */
  readonly requests: RegistryRequest[] = []
  protected readonly watch: Watch = new Watch()
  private readonly listener = new Listener(() => this.watch.changed())

  /** `http://127.0.0.1:<port>`, without a slash behind. */
  get url(): string {
    return `http://127.0.0.1:${this.listener.port}`
  }

  /** Connections that are open now. */
  get sockets(): number {
    return this.listener.sockets.size
  }

  /** Listens, after `stop` on the same port as before. */
  async start(): Promise<void> {
    if (this.listener.server.listenerCount('request') === 0) this.listener.server.on('request', (req, res) => this.take(req, res))
    await this.listener.open()
  }

  /** As when its process is killed: nothing listens, every connection is closed. */
  stop(): void {
    this.listener.kill()
  }

  /** Breaks off every connection; new ones are taken. */
  reset(): void {
    for (const socket of this.listener.sockets.keys()) socket.resetAndDestroy()
  }

  /** Waits for a state. @param withinMs real milliseconds, default 5000; rejects then */
  when(condition: (registry: this) => unknown, withinMs = 5000): Promise<void> {
    const missing = () => `the registry did not come to the state in ${withinMs} ms: ${this.requests.length} requests came`
    return this.watch.until(() => Boolean(condition(this)), withinMs, missing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
  }

  protected abstract answer(request: RegistryRequest, res: ServerResponse): void

  private take(req: IncomingMessage, res: ServerResponse): void {
    res.on('error', () => {})
    const { pathname, searchParams } = new URL(req.url ?? '/', this.url)
    const request = { path: pathname, query: searchParams, headers: req.headers }
    if (this.requests.push(request) > MAX_REQUESTS) this.requests.shift()
    this.watch.changed()
    const fault = this.meet()
    if (!fault) this.answer(request, res)
    else if (fault.kind === 'status') res.writeHead(fault.status).end('no')
    else if (fault.kind === 'garbage') res.writeHead(200, { 'x-consul-index': '1' }).end('<html>\n{"items": [\n')
    else if (fault.kind === 'reset') req.socket.resetAndDestroy()
    else if (fault.kind === 'reset-mid-body') res.writeHead(200).write('[{"Node": ', () => req.socket.resetAndDestroy())
  }

  private meet(): RegistryFault | undefined {
    const { fault } = this
    if (fault?.times === undefined) return fault
    if (fault.times <= 0) return undefined
    fault.times--
    return fault
  }
}

const MAX_REQUESTS = 10_000

/** Answers with JSON. */
export function sendJson(res: ServerResponse, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
