import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import {
  type CanonicalHost,
  type CanonicalTarget,
  type ClientView,
  type Clock,
  canonicalize,
  clientResolver,
  GatewayError,
  type Handler,
  type IncomingRequest,
  type PathOptions,
} from '@gatelet/core'
import { type Connection, connectionOf } from './connection.ts'
import { HttpExchange } from './exchange.ts'
import { hostMemory } from './host-memory.ts'
import type { AdapterSettings } from './options.ts'
import type { RequestReader } from './request.ts'
import { UpgradeExchange } from './upgrade-exchange.ts'

/** What a client said it expects before it sends the body. */
export type Expectation = 'continue' | 'unknown' | undefined

/** Answers the requests of Node's parser by one handler. Knows nothing of how the server listens. */
export class Adapter implements RequestReader {
  readonly handler: Handler
  readonly clock: Clock
  readonly paths: PathOptions
  readonly hostOf: (value: string, scheme: 'http' | 'https') => CanonicalHost = hostMemory()
  /** A request with so many header fields may have lost some to the parser. */
  readonly maxFields: number
  /** The server is going down: every connection ends with its next reply. */
  isClosing = false
  /** Background work that goes on. */
  background = 0
  /** Called each time when `background` falls to 0. */
  onIdle: () => void = () => {}
  private readonly resolve: ReturnType<typeof clientResolver>
  private readonly trustsNobody: boolean

  /** @throws GatewayError `BAD_OPTION` for a trusted address that is none */
  constructor(handler: Handler, settings: AdapterSettings, server: Server) {
    this.maxFields = maxFieldsOf(server)
    this.handler = handler
    this.clock = settings.clock
    this.paths = settings.paths
    this.resolve = clientResolver(settings.trustedProxies)
    this.trustsNobody = settings.trustedProxies === undefined
  }

  request(req: IncomingMessage, res: ServerResponse, expectation?: Expectation): void {
    const connection = connectionOf(req.socket)
    if (!connection.accepts()) return
    const exchange = new HttpExchange(this, connection, req, res, 'request', expectation === 'continue')
    exchange.begin(expectation === 'unknown' ? new GatewayError('EXPECTATION_FAILED') : undefined)
  }

  /** A WebSocket handshake, on a socket that the parser has let go. */
  upgrade(req: IncomingMessage, head: Buffer): void {
    const connection = connectionOf(req.socket)
    if (!connection.accepts()) return
    const exchange = new UpgradeExchange(this, connection, req, new ServerResponse(req), head)
    // It would be told to end as soon as it is open.
    exchange.begin(exchange.request.refusal ?? (this.isClosing ? new GatewayError('DRAINING') : undefined))
  }

  /** @throws GatewayError `BAD_TARGET` */
  canonicalOf(req: IncomingMessage): CanonicalTarget {
    return canonicalize(req.url as string, this.paths)
  }

  viewOf(connection: Connection, request: IncomingRequest): ClientView {
    if (this.trustsNobody && connection.view) return connection.view
    const { address, isEncrypted: encrypted } = connection
    const view = this.resolve({ address, encrypted }, request.headers)
    if (this.trustsNobody) connection.view = view
    return view
  }

  /** Counts work that outlives its reply. */
  spawn(work: Promise<void>): void {
    this.background++
    void work.finally(() => {
      if (--this.background === 0) this.onIdle()
    })
  }
}

/**
 * How many header fields a request may have before Node's parser drops some without a word, and with them whatever they
 * frame or prove.
 */
export function maxFieldsOf(server: Server): number {
  return server.maxHeadersCount || 1_000
}
