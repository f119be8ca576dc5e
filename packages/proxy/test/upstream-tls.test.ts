import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { balancedFetch, type ProxyOptions, proxy } from '@gatelet/proxy'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { authority, certificate } from '../../../test/certificates/certificates.ts'
import { ledger } from './support/ledger.ts'

type Name = Parameters<typeof certificate>[0]

interface Secure extends AsyncDisposable {
  readonly url: string
  readonly sockets: TLSSocket[]
  /** For each connection, whether it took up a session. */
  readonly reused: boolean[]
}

/** Tells who asks, and which name was asked for. */
async function secure(name: Name, options: ServerOptions = {}): Promise<Secure> {
  const { cert, key } = certificate(name)
  const sockets: TLSSocket[] = []
  const reused: boolean[] = []
  const server = createServer({ cert, key, ...options }, ({ socket }: IncomingMessage, res) => {
    const { servername } = socket as unknown as { servername: string }
    res.end(`${(socket as TLSSocket).getPeerCertificate().subject?.CN} ${servername}`)
  })
  server.on('secureConnection', (socket) => {
    sockets.push(socket)
    reused.push(socket.isSessionReused())
  })
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    sockets,
    reused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @returns what came, or the code of what went wrong */
async function asked(url: string, options: ProxyOptions, kind: 'request' | 'upgrade' = 'request'): Promise<string> {
  const handler = proxy(url, options)
  const reply = await call(handler, { kind })
  const text = await reply.text()
  await handler.close()
  return reply.status === 502 ? JSON.parse(text).code : text || String(reply.status)
}

const trusting = { tls: { ca: authority } }

describe.each(['request', 'upgrade'] as const)('a %s over TLS', (kind) => {
  const good = kind === 'upgrade' ? '400' : 'undefined localhost'

  test('goes to an upstream that the given authority vouches for, and to no other', async () => {
    await using known = await secure('a')
    await using expired = await secure('expired')
    await using stranger = await secure('stranger')
    await using other = await secure('star')
    expect(await asked(known.url, trusting, kind)).toBe(good)
    for (const { url } of [expired, stranger, other]) expect(await asked(url, trusting, kind)).toBe('UPSTREAM_CERTIFICATE')
    expect(await asked(known.url, {}, kind)).toBe('UPSTREAM_CERTIFICATE')
  })

  test('shows who we are where the upstream asks', async () => {
    const demanding = { ca: authority, requestCert: true, rejectUnauthorized: true }
    await using server = await secure('a', demanding)
    const { files } = certificate('client')
    const shown = { tls: { ca: authority, ...files } }
    expect(await asked(server.url, shown, kind)).toBe(kind === 'upgrade' ? '400' : 'client localhost')
    expect(await asked(server.url, trusting, kind)).toMatch(/^UPSTREAM_(TLS|RESET)$/)
  })

  test('asks for the name that is given, and holds the certificate to it', async () => {
    await using server = await secure('star')
    const named = { tls: { ca: authority, servername: 'x.b.test' } }
    expect(await asked(server.url, named, kind)).toBe(kind === 'upgrade' ? '400' : 'undefined x.b.test')
    const wrong = { tls: { ca: authority, servername: 'x.c.test' } }
    expect(await asked(server.url, wrong, kind)).toBe('UPSTREAM_CERTIFICATE')
  })

  test('does not go to an upstream with an older TLS than is demanded', async () => {
    await using server = await secure('a', { maxVersion: 'TLSv1.2' })
    expect(await asked(server.url, { tls: { ca: authority, minVersion: 'TLSv1.3' } }, kind)).toBe('UPSTREAM_TLS')
  })

  test('goes anywhere when nobody has to prove anything, and that is said aloud', async () => {
    const warned = once(process, 'warning')
    await using server = await secure('stranger')
    expect(await asked(server.url, { tls: { rejectUnauthorized: false } }, kind)).toBe(good)
    expect(String((await warned)[0])).toMatch(/rejectUnauthorized is false, so no upstream has to prove who it is/)
  })
})

test('balancedFetch speaks it as it is told', async () => {
  await using server = await secure('a')
  const balancer = ledger([server.url])
  const stranger = balancedFetch(balancer, { retries: 0 })
  await expect(stranger('/')).rejects.toMatchObject({ code: 'UPSTREAM_CERTIFICATE' })
  const send = balancedFetch(balancer, trusting)
  expect((await send('/')).status).toBe(200)
  const guarded = balancedFetch(balancer, { ...trusting, addresses: { refuse: ['loopback'] } })
  await expect(guarded('/')).rejects.toMatchObject({ code: 'UPSTREAM_ADDRESS_REFUSED' })
  expect(balancer.open).toBe(0)
  await send.close()
})

test('sessions are taken up again by the next connection', async () => {
  await using server = await secure('a')
  const handler = proxy(server.url, { ...trusting, connections: 1 })
  for (let i = 0; i < 3; i++) {
    expect((await call(handler, '/')).status).toBe(200)
    const last = server.sockets.at(-1)
    await new Promise(setImmediate)
    last?.destroy()
    await once(last as TLSSocket, 'close')
  }
  expect(server.reused).toEqual([false, true, true])
  await handler.close()
})
