import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'

/** A server on 127.0.0.1 that speaks HTTP/2 without TLS, by prior knowledge, and nothing else; it tells what it was asked. */
export async function http2Origin(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer((req, res) => {
    const { ':authority': host, ':method': _, ':path': path, ':scheme': __, ...headers } = req.headers
    const told = { backend: 'h2c', path, host, headers, version: req.httpVersion }
    res.setHeader('content-type', 'application/json')
    req.resume().on('end', () => res.end(JSON.stringify(told)))
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.on('close', () => sessions.delete(session))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.destroy()
      await closed
    },
  }
}
