import { createServer } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { cache } from '@gatelet/cache'
import { type Chain, chain, type ErrorCode, errorTable, GatewayError, problem, text } from '@gatelet/core'
import { type ProxyStatusOptions, proxyStatus } from '@gatelet/metrics'
import { proxy } from '@gatelet/proxy'
import { rateLimit } from '@gatelet/rate-limiter'
import { call, origins } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { errorTypeOf, errorTypes } from '../../src/proxy-status/error-types.ts'

function telling(options: ProxyStatusOptions = {}): Chain<{}> {
  const layer = proxyStatus(options)
  onTestFinished(() => layer.close())
  return chain().use(layer)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('every error of core', () => {
  test.each(Object.keys(errorTable) as ErrorCode[])('%s has its type, or a reason for none', async (code) => {
    const type = errorTypes[code]
    if (typeof type === 'string') expect(type).toMatch(/^[a-z]+(_[a-z]+)+$/)
    else expect(type.none).toMatch(/\w+ \w+/)
    const expected = `gatelet${typeof type === 'string' ? `;error=${type}` : ''};details="${code}"`
    const thrown = await call(
      telling().to(() => {
        throw new GatewayError(code)
      }),
    )
    expect(thrown.headers.get('proxy-status')).toBe(expected)
    const returned = await call(telling().to(() => problem(new GatewayError(code))))
    expect(returned.headers.get('proxy-status')).toBe(expected)
  })

  test('there are no rows for errors that core does not have', () => {
    expect(Object.keys(errorTypes).sort()).toEqual(Object.keys(errorTable).sort())
  })

  test.each([
    ['ECONNREFUSED', 'connection_refused'],
    ['ENOTFOUND', 'dns_error'],
    ['EHOSTUNREACH', 'destination_ip_unroutable'],
    ['ESOMETHING', 'destination_unavailable'],
    ['constructor', 'destination_unavailable'],
  ])('a connection that failed by %s is %s', (code, type) => {
    const cause = Object.assign(new Error('connect 10.0.0.1'), { code })
    expect(errorTypeOf(new GatewayError('UPSTREAM_CONNECT_FAILED', { cause }))).toBe(type)
  })
})

test('a reply that was forwarded tells what the server answered, behind what others said', async () => {
  await using farm = await origins(1, {
    handler: (_, res) => void res.writeHead(404, { 'proxy-status': 'inner;received-status=404' }).end(),
  })
  const forward = proxy(farm.urls[0] as string)
  onTestFinished(() => forward.close())
  const reply = await call(telling().to(forward))
  expect(reply.headers.get('proxy-status')).toBe('inner;received-status=404, gatelet;received-status=404')
  const quiet = await call(telling({ when: 'errors' }).to(forward))
  expect(quiet.headers.get('proxy-status')).toBe('inner;received-status=404')
})

test('a refused connection is told of without the address, unless that is asked for', async () => {
  const host = `127.0.0.1:${await freePort()}`
  const forward = proxy(`http://${host}`)
  onTestFinished(() => forward.close())
  const reply = await call(telling({ name: 'edge-1' }).to(forward))
  const expected = 'edge-1;error=connection_refused;details="UPSTREAM_CONNECT_FAILED"'
  expect([reply.status, reply.headers.get('proxy-status')]).toEqual([502, expected])
  const open = await call(telling({ name: 'edge-1', nextHop: true }).to(forward))
  expect(open.headers.get('proxy-status')).toBe(`${expected};next-hop="${host}"`)
})

test('the id of a function is one string, whatever is in it', async () => {
  const endpoints = [{ id: 'a"b\\c;é', handler: () => text('x') }]
  const forward = proxy(createBalancer({ endpoints }))
  onTestFinished(() => forward.close())
  const reply = await call(telling({ nextHop: true }).to(forward))
  expect(reply.headers.get('proxy-status')).toBe('gatelet;received-status=200;next-hop="a\\"b\\\\c;?"')
})

test('what was refused by a limiter is denied, and what a handler here made is nobody’s concern', async () => {
  const limited = telling()
    .use(rateLimit({ limit: 1, per: '1h' }))
    .to(() => text('x'))
  expect((await call(limited)).headers.get('proxy-status')).toBe(undefined)
  expect((await call(limited)).headers.get('proxy-status')).toBe('gatelet;error=http_request_denied')
})

test('a reply that a cache had tells nothing of attempts', async () => {
  await using farm = await origins(1, {
    handler: (_, res) => void res.writeHead(200, { 'cache-control': 'max-age=60' }).end('x'),
  })
  const forward = proxy(farm.urls[0] as string)
  onTestFinished(() => forward.close())
  const handler = telling().use(cache()).to(forward)
  const asked = await call(handler)
  await asked.text()
  expect(asked.headers.get('proxy-status')).toBe('gatelet;received-status=200')
  expect((await call(handler)).headers.get('proxy-status')).toBe(undefined)
})

test('once it is closed, it tells nothing of attempts', async () => {
  await using farm = await origins(1)
  const forward = proxy(farm.urls[0] as string)
  onTestFinished(() => forward.close())
  const layer = proxyStatus()
  layer.close()
  expect((await call(chain().use(layer).to(forward))).headers.has('proxy-status')).toBe(false)
})
