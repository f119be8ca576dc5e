import type { IncomingMessage } from 'node:http'
import { type Context, GatewayError, type HeaderList, type IncomingRequest, type Reply } from '@gatelet/core'
import { type WebSocket, WebSocketServer } from 'ws'

/** How clients' WebSockets are taken. */
export interface FrontSettings {
  readonly maxMessageBytes: number
  /** Subprotocols that are spoken; the first that a client offers is taken. */
  readonly protocols: readonly string[]
  /** Pages that may connect; undefined: those of the same host, and what is no page. */
  readonly origins: readonly string[] | 'any' | undefined
  /** Whether messages may be compressed (RFC 7692). */
  readonly compress?: boolean
}

/**
 * Checks that a request is a handshake of WebSocket 13 (RFC 6455 §4.2.1), of a page that may connect: no same-origin policy
 * keeps others from it.
 * @throws GatewayError `UPGRADE_REFUSED`, `UPGRADE_REQUIRED`, `ORIGIN_DENIED`
 */
export function checkHandshake({ request }: Context, origins: FrontSettings['origins']): void {
  const { kind, method, headers } = request
  const key = headers.get('sec-websocket-key') ?? ''
  if (kind !== 'upgrade' || headers.get('upgrade')?.toLowerCase() !== 'websocket')
    throw new GatewayError('UPGRADE_REQUIRED', { detail: 'A WebSocket is spoken here', headers: { upgrade: 'websocket' } })
  if (method !== 'GET' || !/^[A-Za-z0-9+/]{22}==$/.test(key))
    throw new GatewayError('UPGRADE_REFUSED', { detail: 'A handshake is a GET with a Sec-WebSocket-Key of 16 bytes in base64' })
  if (headers.get('sec-websocket-version') !== '13')
    throw new GatewayError('UPGRADE_REQUIRED', { headers: { upgrade: 'websocket', 'sec-websocket-version': '13' } })
  if (!mayConnect(request, origins)) throw new GatewayError('ORIGIN_DENIED')
}

function mayConnect({ headers, url }: IncomingRequest, origins: FrontSettings['origins']): boolean {
  const origin = headers.get('origin')
  if (origin === undefined || origins === 'any') return true
  if (origins) return origins.includes(origin)
  // The scheme may be another one: TLS can end before us.
  return URL.canParse(origin) && new URL(origin).host === (url.port === undefined ? url.host : `${url.host}:${url.port}`)
}

/** The reply that makes a WebSocket of a handshake which was checked. `take` is called when it is open. */
export function accept({ request }: Context, settings: FrontSettings, take: (socket: WebSocket) => void): Pick<Reply, 'upgrade'> {
  return {
    upgrade(socket, head, headers) {
      const server = new WebSocketServer({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: settings.compress ? compression : false,
        maxPayload: settings.maxMessageBytes,
        handleProtocols: (offered) => settings.protocols.find((name) => offered.has(name)) ?? false,
      })
      server.on('headers', (lines) => addOurs(lines, headers))
      server.handleUpgrade(plainRequest(request), socket, head, take)
    },
  }
}

// Nothing is kept between messages: a window for each client would be most of what a connection costs.
const compression = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  concurrencyLimit: 10,
  threshold: 1_024,
} as const

// What `ws` writes itself comes from it alone.
const its: ReadonlySet<string> = new Set(['connection', 'upgrade', 'content-length', 'content-type', 'transfer-encoding'])

function addOurs(lines: string[], headers: HeaderList): void {
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!its.has(lower) && !lower.startsWith('sec-websocket-')) lines.push(`${name}: ${value}`)
  }
}

/** The parts of a request that `ws` reads. */
function plainRequest({ method, headers, target }: IncomingRequest): IncomingMessage {
  const fields: Record<string, string> = {}
  for (const [name] of headers) fields[name.toLowerCase()] = headers.get(name) ?? ''
  return { method, headers: fields, url: target } as unknown as IncomingMessage
}
