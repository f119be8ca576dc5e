import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { GatewayError, text } from '@gatelet/core'
import { clientCertificateOf, type ServeOptions, type ServeTlsOptions, serve } from '@gatelet/node'
import { rawClient, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { authority, certificate } from '../../../test/certificates/certificates.ts'
import { deferred, echo, serving, until } from './serving.ts'

const { cert, key } = certificate('a')
const own: ServeTlsOptions = { cert, key }

/** Shakes hands. Rejects where that fails, also where a server of TLS 1.3 says so only after it. */
async function shake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority,
    servername: 'a.test',
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}

/** The common name of the certificate that a client gets. */
async function shown(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = await shake(port, { checkServerIdentity: () => undefined, ...options })
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN as string
}

interface Got {
  readonly status: number
  readonly body: string
}

function get(port: number, options: ConnectionOptions = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', ca: authority, servername: 'a.test', agent: false, ...options }, (res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** A folder with a certificate and its key, as files. */
function folder(): { tls: { cert: string; key: string }; use(name: 'a' | 'renewed'): void } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'gatelet-tls-'))
  const tls = { cert: join(path, 'cert.pem'), key: join(path, 'key.pem') }
  const use = (name: 'a' | 'renewed') => {
    const { files } = certificate(name)
    for (const part of ['cert', 'key'] as const) {
      copyFileSync(files[part], `${tls[part]}.new`)
      renameSync(`${tls[part]}.new`, tls[part])
    }
  }
  use('a')
  return { tls, use, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

describe('serve({ tls })', () => {
  test('speaks HTTP/1.1 and HTTP/2, as the client chooses, with the scheme https', async () => {
    await using server = await serving(
      ({ request }) => text(`${request.protocol} ${request.url.scheme} ${request.client.address}`),
      {
        tls: own,
      },
    )
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
    expect(await get(server.port)).toEqual({ status: 200, body: '1.1 https 127.0.0.1' })
    const client = connectHttp2(server.url, { ca: authority })
    const stream = client.request({})
    let body = ''
    for await (const chunk of stream) body += chunk
    expect(body).toBe('2 https 127.0.0.1')
    client.destroy()
    expect((await shake(server.port, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('h2')
  })

  test('does not offer HTTP/2 where that is switched off', async () => {
    await using server = await serving(() => text('x'), { tls: own, http2: false })
    expect((await shake(server.port, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('http/1.1')
  })

  test('carries WebSockets, and requests that only wish for another protocol', async () => {
    await using server = await serving((ctx) => (ctx.request.kind === 'upgrade' ? echo() : text('plain')), { tls: own })
    const socket = await shake(server.port)
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('plain')
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('101 Switching')
    socket.write('ping')
    expect(String((await once(socket, 'data'))[0])).toBe('ping')
    socket.destroy()
    expect(await server.ended(2)).toEqual(['finished 200', 'finished 101'])
  })

  test('shows the certificate of the name that a client asks for', async () => {
    const others = [
      { ...certificate('star'), files: undefined },
      { cert: certificate('renewed').cert, key: certificate('renewed').key, names: ['renewed.test', 'x.b.test'] },
    ].map(({ files: _, ...rest }: { files?: unknown; cert: string; key: string }) => rest)
    await using server = await serving(() => text('x'), { tls: { ...own, others } })
    const names = ['a.test', 'A.TEST', 'y.b.test', 'x.b.test', 'z.y.b.test', 'b.test', 'other.test']
    const got = await Promise.all(names.map((servername) => shown(server.port, { servername })))
    expect(got).toEqual(['a.test', 'a.test', 'star.test', 'renewed.test', 'a.test', 'a.test', 'a.test'])
    expect(await shown(server.port, { servername: '' })).toBe('a.test')
  })

  test('speaks nothing older than TLS 1.2, and no 1.2 where 1.3 is demanded', async () => {
    await using server = await serving(() => text('x'), { tls: own })
    await using strict = await serving(() => text('x'), { tls: { ...own, minVersion: 'TLSv1.3' } })
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(shake(server.port, old)).rejects.toThrow()
    expect((await shake(server.port, { maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2')
    await expect(shake(strict.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow()
    expect((await shake(strict.port)).getProtocol()).toBe('TLSv1.3')
  })

  test('lives on when clients speak plain HTTP, nonsense, or leave in the middle of a handshake', async () => {
    await using server = await serving(() => text('x'), { tls: own })
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
      '\x16\x03\x01\x00\x05hello',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      await using client = await rawClient(server.port)
      client.write(Buffer.from(bytes, 'latin1'))
      expect(await client.left()).toMatch(/end|reset/)
    }
    const leaving = connectTcp(server.port, '127.0.0.1')
    await once(leaving, 'connect')
    leaving.write('\x16\x03\x01')
    leaving.resetAndDestroy()
    await until(() => server.connections === 0)
    expect((await get(server.port)).status).toBe(200)
  })

  test('bounds the time of a handshake, and closes those that are under way', async () => {
    await using server = await serving(() => text('x'), { tls: { ...own, handshakeTimeoutMs: 100 } })
    await using client = await rawClient(server.port)
    expect(await client.left()).toMatch(/end|reset/)
    await using patient = await serve(() => text('x'), { port: 0, host: '127.0.0.1', tls: own })
    await using waiting = await rawClient(patient.port)
    await until(() => patient.connections === 1)
    await patient.close({ graceMs: 10_000 })
    expect(await waiting.left()).toMatch(/end|reset/)
  })

  test('knows a client behind a PROXY header, which comes before TLS', async () => {
    const options: ServeOptions = { tls: own, proxyProtocol: { from: ['127.0.0.1'] } }
    await using server = await serving(({ request }) => text(request.client.address), options)
    const raw = connectTcp(server.port, '127.0.0.1')
    raw.write('PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n')
    const socket = connect({ socket: raw, ca: authority, servername: 'a.test' })
    await once(socket, 'secureConnect')
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('203.0.113.7')
    socket.destroy()
  })
})

describe('certificates in files', () => {
  test('are read again when they change, and no connection is dropped', async () => {
    using files = folder()
    const clock = virtualClock()
    const go = deferred()
    await using server = await serving(
      async ({ request }) => {
        if (request.url.path === '/slow') await go.promise
        return text('x')
      },
      { tls: files.tls, clock },
    )
    const before = await shake(server.port)
    before.write('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n')
    expect(await shown(server.port)).toBe('a.test')
    files.use('renewed')
    await clock.advance(5_001)
    expect(await shown(server.port)).toBe('renewed.test')
    expect(await shown(server.port, { servername: '' })).toBe('renewed.test')
    go.resolve()
    expect(String((await once(before, 'data'))[0])).toContain('200 OK')
    before.destroy()
  })

  test('may be read again while handshakes are under way: each gets the one or the other, whole', async () => {
    using files = folder()
    await using server = await serving(() => text('x'), { tls: files.tls })
    const shaken = Promise.all(Array.from({ length: 30 }, () => shown(server.port)))
    for (let at = 0; at < 20; at++) {
      files.use(at % 2 === 0 ? 'renewed' : 'a')
      server.reloadTls()
      await new Promise(setImmediate)
    }
    for (const name of await shaken) expect(['a.test', 'renewed.test']).toContain(name)
    expect(await shown(server.port)).toBe('a.test')
  })

  test('are seen without waiting where the file system tells of changes', async () => {
    using files = folder()
    await using server = await serving(() => text('x'), { tls: files.tls })
    files.use('renewed')
    await expect.poll(() => shown(server.port), { timeout: 5_000 }).toBe('renewed.test')
  })

  test('stay as they were when the new ones are broken, with a warning, and are taken once they are whole', async () => {
    using files = folder()
    const clock = virtualClock()
    const warnings: string[] = []
    const listen = ({ message }: Error) => void warnings.push(message)
    process.on('warning', listen)
    await using server = await serving(() => text('x'), { tls: files.tls, clock })
    for (const broken of ['', 'nonsense', readFileSync(certificate('renewed').files.cert)]) {
      writeFileSync(files.tls.cert, broken)
      expect(() => server.reloadTls()).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION', path: expect.stringMatching(/^tls\.(cert|key)$/) }),
      )
      await clock.advance(5_001)
      expect(await shown(server.port)).toBe('a.test')
    }
    await new Promise(setImmediate)
    expect(warnings.filter((message) => message.startsWith('kept the certificates as they were: tls.'))).toHaveLength(3)
    process.off('warning', listen)
    files.use('renewed')
    server.reloadTls()
    expect(await shown(server.port)).toBe('renewed.test')
  })

  test('may be links that come to lead elsewhere', async () => {
    using files = folder()
    const { tls } = files
    for (const part of ['cert', 'key'] as const) {
      rmSync(tls[part])
      symlinkSync(certificate('a').files[part], tls[part])
    }
    const clock = virtualClock()
    await using server = await serving(() => text('x'), { tls, clock })
    for (const part of ['cert', 'key'] as const) {
      rmSync(tls[part])
      symlinkSync(certificate('renewed').files[part], tls[part])
    }
    await clock.advance(5_001)
    expect(await shown(server.port)).toBe('renewed.test')
  })

  test.each<[string, ServeTlsOptions, string]>([
    ['a file that is missing', { cert: '/nowhere/cert.pem', key }, 'tls.cert'],
    ['a certificate that is none', { cert: '-----BEGIN NOTHING', key }, 'tls.cert'],
    ['a key of another certificate', { cert, key: certificate('star').key }, 'tls.key'],
    ['a key in the place of an authority', { cert, key, clientCertificates: { ca: key } }, 'tls.clientCertificates.ca'],
    ['one of the others', { cert, key, others: [{ cert, key: certificate('star').key }] }, 'tls.others[0].key'],
  ])('%s stops the start, and no key is shown', async (_, tls, path) => {
    const error = await serve(() => text('x'), { tls, port: 0 }).then(
      () => undefined,
      (thrown: GatewayError) => thrown,
    )
    expect(error).toMatchObject({ code: 'BAD_OPTION', path })
    expect(error?.message).not.toContain('PRIVATE')
  })

  test('cannot be read again where there are none', async () => {
    await using server = await serving(() => text('x'))
    expect(() => server.reloadTls()).toThrow(GatewayError)
  })
})

describe('client certificates', () => {
  const naming = { clientCertificates: { ca: authority } }
  const handler: Parameters<typeof serving>[0] = (ctx) => text(clientCertificateOf(ctx)?.subject ?? 'nobody')
  const identity = ({ cert, key }: { cert: string; key: string }) => ({ cert, key })

  test('are what a layer sees of those that prove who they are, on HTTP/1.1 and HTTP/2', async () => {
    await using server = await serving(handler, { tls: { ...own, ...naming } })
    expect(await get(server.port, identity(certificate('client')))).toEqual({ status: 200, body: 'CN=client' })
    const client = connectHttp2(server.url, { ca: authority, ...identity(certificate('client')) })
    let body = ''
    for await (const chunk of client.request({})) body += chunk
    expect(body).toBe('CN=client')
    client.destroy()
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'are demanded: %s without one, or with one of a stranger, brings no request',
    async (version) => {
      let calls = 0
      await using server = await serving(
        () => {
          calls++
          return text('x')
        },
        { tls: { ...own, ...naming } },
      )
      const old = { minVersion: version, maxVersion: version }
      await expect(get(server.port, old)).rejects.toThrow()
      await expect(get(server.port, { ...old, ...identity(certificate('stranger')) })).rejects.toThrow()
      expect(calls).toBe(0)
      expect((await get(server.port, { ...old, ...identity(certificate('client')) })).status).toBe(200)
    },
  )

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of a stranger are no better in a session that is taken up again (%s)',
    async (version) => {
      await using server = await serving(handler, { tls: { ...own, clientCertificates: { ca: authority, required: false } } })
      const options = { minVersion: version, maxVersion: version, ...identity(certificate('stranger')) }
      const first = await shake(server.port, options)
      let session: Buffer | undefined
      first.on('session', (each) => {
        session = each
      })
      first.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
      expect(String((await once(first, 'data'))[0])).toContain('nobody')
      // Before TLS 1.3 it is there with the handshake.
      if (version === 'TLSv1.2') session = first.getSession()
      await until(() => session)
      first.destroy()
      const again = await shake(server.port, { ...options, session: session as Buffer })
      expect(again.isSessionReused()).toBe(true)
      again.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
      expect(String((await once(again, 'data'))[0])).toContain('nobody')
      again.destroy()
    },
  )

  test('may be left out where they are not required', async () => {
    await using server = await serving(handler, { tls: { ...own, clientCertificates: { ca: authority, required: false } } })
    expect((await get(server.port)).body).toBe('nobody')
    expect((await get(server.port, identity(certificate('client')))).body).toBe('CN=client')
  })

  test('are not there on plain HTTP', async () => {
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    expect((await client.response()).text).toBe('nobody')
  })
})
