import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBalancer, type HttpCheckOptions } from '@gatelet/balancer'
import { type OriginHandler, origins, rawServer, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { firstCheck, only } from './scene.ts'

const pem = (name: string) => readFileSync(new URL(`../../../proxy/test/support/tls/${name}.pem`, import.meta.url), 'utf8')

async function found(handler: OriginHandler, options: Partial<HttpCheckOptions> = {}) {
  const farm = await origins(1, { handler })
  onTestFinished(() => farm.close())
  const { health, lastCheck } = await firstCheck(farm.urls[0] as string, { path: '/healthz', ...options })
  return { health, error: lastCheck?.error, farm, request: farm.servers[0]?.requests[0] }
}

const ending =
  (status: number, body = ''): OriginHandler =>
  (_req, res) =>
    void res.writeHead(status).end(body)

describe('what is asked', () => {
  test('GET, the path alone, the host of the endpoint, and the connection is closed', async () => {
    const { request, farm } = await found(ending(200))
    expect(request).toMatchObject({ method: 'GET', url: '/healthz' })
    expect(request?.headers['host']).toBe(new URL(farm.urls[0] as string).host)
    await farm.servers[0]?.when(({ sockets }) => sockets === 0)
  })

  test('another method, host and headers', async () => {
    const headers = { authorization: 'Bearer x' }
    const { request } = await found(ending(200), { method: 'HEAD', host: 'shop.example', headers, path: '/a?b=%20c' })
    expect(request).toMatchObject({ method: 'HEAD', url: '/a?b=%20c' })
    expect(request?.headers).toMatchObject({ host: 'shop.example', authorization: 'Bearer x' })
  })

  test('the root of the server, whatever path the endpoint has', async () => {
    const farm = await origins(1, { handler: ending(200) })
    onTestFinished(() => farm.close())
    await firstCheck(`${farm.urls[0]}/v2`, { path: '/healthz' })
    expect(farm.servers[0]?.requests[0]?.url).toBe('/healthz')
  })

  test('another port', async () => {
    const farm = await origins(1, { handler: ending(200) })
    onTestFinished(() => farm.close())
    const port = farm.servers[0]?.port as number
    expect((await firstCheck('http://127.0.0.1:9', { path: '/', port })).health).toBe('healthy')
  })

  test('a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
    const server = createServer((_req, res) => void res.end('ok')).listen(join(folder, 's'))
    onTestFinished(async () => {
      server.close()
      await rm(folder, { recursive: true })
    })
    await once(server, 'listening')
    const endpoint = { url: 'http://app.example', socketPath: join(folder, 's') }
    expect((await firstCheck(endpoint, { path: '/', body: 'ok' })).health).toBe('healthy')
  })

  test('over one connection, if it is kept', async () => {
    const farm = await origins(1, { handler: ending(200, 'fine') })
    onTestFinished(() => farm.close())
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: farm.urls, clock, health: { path: '/', keepAlive: true } })
    for (const hits of [1, 2, 3]) {
      await farm.servers[0]?.when((origin) => origin.hits === hits)
      await expect.poll(() => only(balancer).lastCheck?.passed).toBe(true)
      await new Promise((resolve) => setImmediate(resolve))
      await clock.advance(6_000)
    }
    expect(farm.servers[0]?.connections).toBe(1)
    await balancer.close()
    await farm.servers[0]?.when(({ sockets }) => sockets === 0)
  })
})

describe('what counts', () => {
  test.each([
    [200, undefined, 'healthy'],
    [204, undefined, 'healthy'],
    [302, undefined, 'unhealthy'],
    [404, undefined, 'unhealthy'],
    [503, undefined, 'unhealthy'],
    [401, [401] as const, 'healthy'],
    [200, [401] as const, 'unhealthy'],
    [302, ['2xx', '3xx'] as const, 'healthy'],
  ])('%i where %j is expected: %s', async (status, expected, health) => {
    const answer = await found(ending(status), expected ? { status: expected } : {})
    expect(answer).toMatchObject({ health, error: health === 'healthy' ? undefined : `it answered with ${status}` })
  })

  test.each([
    ['all is well', 'well', 'healthy'],
    ['all is well', /^all .+ well$/g, 'healthy'],
    ['all is lost', 'well', 'unhealthy'],
    ['', /./, 'unhealthy'],
  ])('the body "%s" where %s is expected: %s', async (sent, body, health) => {
    expect((await found(ending(200, sent), { body })).health).toBe(health)
  })

  test('no more of the body is read than is allowed', async () => {
    const padded = `${'x'.repeat(70_000)}well`
    expect((await found(ending(200, padded), { body: 'well' })).error).toBe('its body is not what was expected')
    expect((await found(ending(200, padded), { body: 'well', maxBodyBytes: 80_000 })).health).toBe('healthy')
  })

  test('an endless body does no harm, looked at or not', async () => {
    const endless: OriginHandler = (_req, res) => {
      const more = () => void (!res.destroyed && res.write('x'.repeat(65_536), () => setImmediate(more)))
      more()
    }
    for (const options of [{}, { body: 'well' }, { keepAlive: true }]) {
      const { health, farm } = await found(endless, options)
      expect(health).toBe('body' in options ? 'unhealthy' : 'healthy')
      await farm.servers[0]?.when(({ sockets }) => sockets === 0)
    }
  })
})

describe('faults', () => {
  test.each([
    ['refuses', { kind: 'refuse' }, /ECONNREFUSED/],
    ['resets', { kind: 'reset-before-headers' }, /ECONNRESET|socket hang up/],
    ['says nothing', { kind: 'hang-before-headers' }, 'no result within 200 ms'],
    ['stops in the middle of its body', { kind: 'hang-mid-body' }, 'no result within 200 ms'],
    ['breaks off its body', { kind: 'reset-mid-body' }, /aborted|ECONNRESET/],
    ['ends its body too early', { kind: 'close-mid-body' }, /aborted|ECONNRESET/],
  ] as const)('an endpoint that %s is unhealthy, and no socket stays', async (_what, fault, error) => {
    await using farm = await origins(1)
    const [origin] = farm.servers
    if (!origin) return
    origin.fault = fault
    await origin.when(() => true)
    const view = await firstCheck(farm.urls[0] as string, { path: '/', timeoutMs: 200, body: 'x' })
    expect(view.health).toBe('unhealthy')
    expect(view.lastCheck?.error).toMatch(error)
    await origin.when(({ sockets }) => sockets === 0)
  })

  test.each([
    ['says no HTTP', 'hello\r\n\r\n', /Parse Error/],
    [
      'changes the protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'it changed the protocol',
    ],
    ['answers early with 1xx only', 'HTTP/1.1 102 Processing\r\n\r\n', 'no result within 200 ms'],
    ['drips its body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'no result within 200 ms'],
  ])('an endpoint that %s is unhealthy', async (_what, said, error) => {
    await using server = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(said)
    })
    const view = await firstCheck(server.url, { path: '/', timeoutMs: 200, body: 'xxxxxxxxx' })
    expect(view.health).toBe('unhealthy')
    expect(view.lastCheck?.error).toMatch(error)
  })

  test('a name that nobody knows is unhealthy', async () => {
    expect((await firstCheck('http://nowhere.invalid', { path: '/' })).health).toBe('unhealthy')
  })
})

describe('https', () => {
  async function secure() {
    const server = createSecureServer({ cert: pem('cert'), key: pem('key') }, (_req, res) => void res.end('ok'))
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return `https://localhost:${(server.address() as AddressInfo).port}`
  }

  test('a certificate that is not trusted is unhealthy, one that is given is fine', async () => {
    const url = await secure()
    expect((await firstCheck(url, { path: '/' })).lastCheck?.error).toMatch(/self.signed|certificate/)
    expect((await firstCheck(url, { path: '/', tls: { rejectUnauthorized: false } })).health).toBe('healthy')
    expect((await firstCheck(url, { path: '/', tls: { ca: pem('cert') } })).health).toBe('healthy')
  })
})

test('what is no server is taken for healthy, also where the worst is assumed', async () => {
  const endpoint = { id: 'fn', handler: () => ({ status: 200, headers: [] as never, body: null }) }
  const view = await firstCheck(endpoint, { path: '/', assume: 'unhealthy' })
  expect(view).toMatchObject({ health: 'unknown', state: 'active' })
})
