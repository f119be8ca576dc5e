import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { connect, constants } from 'node:http2'
import { type Handler, handlerOf, notFound } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type StartAdapter, startedServer } from '@gatelet/testing'
import { handlerFor } from '../../testing/test/node-starter.ts'

/**
 * Plays scenes on HTTP/2: `serve` speaks it (prior knowledge) with a bridge, which speaks HTTP/1.1 with the suite's client. The
 * bridge tells each side what the other does: interim answers, trailers, an upload that stops, a reply that is broken off.
 */
export const http2Starter: StartAdapter = async ({ layer, behind, mount }) => {
  const handler = handlerOf(layer, behind ? handlerFor(behind) : notFound)
  const server = await serve(mount === undefined ? handler : within(mount, handler), {
    host: '127.0.0.1',
    port: 0,
    http2: true,
  })
  const bridge = createServer((req, res) => pass(req, res, server.url))
  bridge.on('checkContinue', (req, res) => pass(req, res, server.url))
  bridge.on('checkExpectation', (req, res) => pass(req, res, server.url))
  const started = await startedServer(bridge)
  return {
    port: started.port,
    async close() {
      await started.close()
      await server.close({ graceMs: 0 })
    },
  }
}

const within =
  (mount: string, handler: Handler): Handler =>
  (ctx) =>
    ctx.request.url.path === mount || ctx.request.url.path.startsWith(`${mount}/`) ? handler(ctx) : notFound(ctx)

const ofConnection = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te'])

function pass(req: IncomingMessage, res: ServerResponse, url: string): void {
  const session = connect(url)
  session.on('error', () => res.destroy())
  const headers: Record<string, string | string[]> = {
    ':method': req.method ?? '',
    ':path': req.url ?? '',
    ':authority': req.headers.host ?? '',
  }
  const nominated = (req.headers.connection ?? '').toLowerCase().split(/ *, */)
  for (const [name, values = []] of Object.entries(req.headersDistinct)) {
    if (!ofConnection.has(name) && !nominated.includes(name)) headers[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  const stream = session.request(headers, { endStream: !hasBody, waitForTrailers: hasBody })
  stream.on('wantTrailers', () => stream.sendTrailers(req.trailers as Record<string, string>))
  stream.on('error', () => {})
  stream.on('continue', () => res.writeContinue())
  stream.on('headers', ({ ':status': status, ...fields }) => {
    if (status === 100) return
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${String(value)}\r\n`)
    res.socket?.write(`HTTP/1.1 ${status} ${STATUS_CODES[Number(status)]}\r\n${lines.join('')}\r\n`)
  })
  stream.on('response', ({ ':status': status, ...fields }) => {
    res.writeHead(status ?? 0, fields as Record<string, string>)
    res.flushHeaders()
    stream.pipe(res, { end: false })
  })
  stream.on('trailers', (trailers) => res.addTrailers(Object.entries(trailers) as [string, string][]))
  stream.on('end', () => (stream.closed && stream.rstCode !== constants.NGHTTP2_NO_ERROR ? res.destroy() : res.end()))
  stream.on('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR || !res.headersSent) res.destroy()
    session.close()
  })
  if (hasBody) req.pipe(stream)
  res.on('close', () => {
    if (!res.writableFinished) stream.close(constants.NGHTTP2_CANCEL)
  })
}
