import { createServer as createTcpServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Handler, handlerOf, notFound } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { describeAdapter, type StartAdapter } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { authority, certificate } from '../../../test/certificates/certificates.ts'
import { handlerFor } from '../../testing/test/node-starter.ts'

/** Plays scenes on HTTP/1.1 over TLS, with a bridge that encrypts what the suite's client says. */
const tlsStarter: StartAdapter = async ({ layer, behind, mount }) => {
  const { cert, key } = certificate('a')
  const handler = handlerOf(layer, behind ? handlerFor(behind) : notFound)
  const options = { host: '127.0.0.1', port: 0, tls: { cert, key } }
  const server = await serve(mount === undefined ? handler : within(mount, handler), options)
  const clients = new Set<Socket>()
  const bridge = createTcpServer({ allowHalfOpen: true }, (client) => {
    clients.add(client)
    const tls = connectTls({
      ...{ allowHalfOpen: true },
      port: server.port,
      host: '127.0.0.1',
      servername: 'a.test',
      ca: authority,
    })
    client.pipe(tls).pipe(client)
    for (const [one, other] of [
      [client, tls],
      [tls, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', (hadError) => hadError && (other as Socket).resetAndDestroy())
    }
    client.on('close', () => {
      clients.delete(client)
      tls.destroy()
    })
    tls.on('close', () => client.end())
  })
  await new Promise<void>((resolve) => bridge.listen(0, '127.0.0.1', resolve))
  return {
    port: (bridge.address() as { port: number }).port,
    async close() {
      const closed = new Promise((resolve) => bridge.close(resolve))
      for (const client of clients) client.destroy()
      await server.close({ graceMs: 0 })
      await closed
    },
  }
}

const within =
  (mount: string, handler: Handler): Handler =>
  (ctx) =>
    ctx.request.url.path === mount || ctx.request.url.path.startsWith(`${mount}/`) ? handler(ctx) : notFound(ctx)

// Its scheme is https; `tls.test.ts` holds that.
const isHttp = 'shows the host, its port and the scheme'

describeAdapter('TLS', tlsStarter, { describe, test: (name, run) => test.skipIf(name === isHttp)(name, run) })
