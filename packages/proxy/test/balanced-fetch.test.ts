import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { text } from '@gatelet/core'
import { balancedFetch, proxy } from '@gatelet/proxy'
import { baseline, calls, origins, standstill, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ledger } from './support/ledger.ts'
import { until } from './support/until.ts'

const at = (farm: Awaited<ReturnType<typeof origins>>, index: number) => farm.servers[index] as (typeof farm.servers)[number]

/** A server that sends a first piece, and another for each call of `more`. */
async function dripping() {
  let more = () => {}
  let closed = 0
  const server = createServer((_, res) => {
    res.on('close', () => closed++)
    res.write('first')
    more = () => void res.write('more')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, more: () => more(), closed: () => closed }
}

test.each([204, 205, 304])('a %i has no body, whatever the server says of it', async (status) => {
  await using farm = await origins(1, { handler: (_, res) => void res.writeHead(status, { 'x-a': '1' }).end() })
  const balancer = ledger(farm.urls)
  const send = balancedFetch(balancer)
  for (let i = 0; i < 2; i++) {
    const response = await send('/')
    expect([response.status, response.body, response.headers.get('x-a')]).toEqual([status, null, '1'])
  }
  expect(balancer.open).toBe(0)
  await send.close()
})

describe('a request', () => {
  test('goes to an endpoint with its method, path, headers and body', async () => {
    await using farm = await origins(1)
    const send = balancedFetch(ledger([`${farm.urls[0]}/v2`]))
    const response = await send('/users/7?full=1', {
      method: 'POST',
      headers: { 'x-tenant': 'a' },
      body: JSON.stringify({ name: 'Ada' }),
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ method: 'POST', url: '/v2/users/7?full=1' })
    const [received] = at(farm, 0).requests
    expect(received?.headers).toMatchObject({
      'x-tenant': 'a',
      'content-type': 'text/plain;charset=UTF-8',
      'content-length': '14',
    })
    expect(Object.keys(received?.headers ?? {}).filter((name) => /forwarded|via/.test(name))).toEqual([])
    expect(String(received?.body)).toBe('{"name":"Ada"}')
    await send.close()
  })

  test('may be a URL or a Request, of which the path counts', async () => {
    await using farm = await origins(1)
    const send = balancedFetch(ledger(farm.urls))
    const answers = [
      await send(new URL('http://users.internal/a?b')),
      await send('http://users.internal/a?b'),
      await send(new Request('http://users.internal/a?b', { method: 'PUT', body: 'x' })),
    ]
    expect(await Promise.all(answers.map(async (each) => ((await each.json()) as { url: string }).url))).toEqual([
      '/a?b',
      '/a?b',
      '/a?b',
    ])
    await send.close()
  })

  test('streams its body', async () => {
    await using farm = await origins(1)
    const send = balancedFetch(ledger(farm.urls))
    const pieces = ['one ', 'two ', 'three']
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(Buffer.from(piece))
      },
    })
    await (await send('/', { method: 'POST', body })).text()
    expect(String(at(farm, 0).requests[0]?.body)).toBe('one two three')
    await send.close()
  })

  test('goes to another endpoint by the rules of the proxy', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'refuse' }
    const balancer = ledger(farm.urls)
    const send = balancedFetch(balancer)
    expect(await (await send('/', { method: 'POST', body: 'x' })).json()).toMatchObject({ id: 1 })
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    await at(farm, 0).start?.()
    expect(await (await send('/')).json()).toMatchObject({ id: 1 })
    expect(balancer.open).toBe(0)
    await send.close()
  })

  test('is answered by a function too', async () => {
    const balancer = ledger([{ handler: () => text('here') }])
    expect(await (await balancedFetch(balancer)('/')).text()).toBe('here')
    expect(balancer.open).toBe(0)
  })

  test('without an answer rejects with a typed error', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const send = balancedFetch(ledger(farm.urls))
    await expect(send('/', { method: 'POST', body: 'x' })).rejects.toMatchObject({ code: 'UPSTREAM_RESET', side: 'upstream' })
    await expect(balancedFetch(createBalancer({ endpoints: [] }))('/')).rejects.toMatchObject({ code: 'NO_ENDPOINT' })
    await expect(send('/', { method: 'CONNECT' })).rejects.toBeInstanceOf(TypeError)
    await send.close()
  })

  test('counts for the proxy of the same balancer, and the other way round', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'status', status: 500 }
    const balancer = createBalancer({ endpoints: farm.urls, strategy: 'round-robin' })
    const send = balancedFetch(balancer)
    for (let n = 0; n < 10; n++) await (await send('/')).text()
    expect(balancer.endpoints[0]?.state).toBe('ejected')
    const replies = await calls(proxy(balancer), 10)
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200))
    await send.close()
  })
})

describe('a response', () => {
  test('has status, headers and every cookie; none that has no body gets one', async () => {
    const server = createServer((req, res) => {
      if (req.url === '/empty') return res.writeHead(204).end()
      return res.writeHead(404, { 'set-cookie': ['a=1', 'b=2'], location: 'http://127.0.0.1/x' }).end('no')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const send = balancedFetch(ledger([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]))
    const response = await send('/x')
    expect([response.status, response.ok, await response.text()]).toEqual([404, false, 'no'])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(response.headers.get('location')).toBe('http://127.0.0.1/x')
    expect((await send('/empty')).body).toBeNull()
    expect((await send('/x', { method: 'HEAD' })).body).toBeNull()
    await send.close()
    server.close()
  })

  test('frees its lease when its body was read', async () => {
    const { url, more } = await dripping()
    const balancer = ledger([url])
    const response = await balancedFetch(balancer)('/')
    expect(balancer.open).toBe(1)
    const reader = response.body?.getReader()
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('first')
    const next = reader?.read()
    more()
    expect(String(Buffer.from((await next)?.value ?? []))).toBe('more')
    expect(balancer.open).toBe(1)
    await reader?.cancel()
    expect(balancer.open).toBe(0)
  })

  test('frees it when its body is cancelled unread', async () => {
    const { url, closed } = await dripping()
    const balancer = ledger([url])
    const response = await balancedFetch(balancer)('/')
    await response.body?.cancel()
    expect(balancer.open).toBe(0)
    await until(() => closed() === 1)
  })

  test('frees it when nobody reads its body for too long, and says so to who comes late', async () => {
    const clock = virtualClock()
    const { url, closed } = await dripping()
    const balancer = ledger([url])
    const response = await balancedFetch(balancer, { clock, unreadMs: 5_000 })('/')
    await clock.advance(4_999)
    expect(balancer.open).toBe(1)
    await clock.advance(1)
    expect(balancer.open).toBe(0)
    await until(() => closed() === 1)
    await expect(response.text()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(clock.pending).toBe(0)
  })

  test('breaks off with a typed error when the server does', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'reset-mid-body' }
    const balancer = ledger(farm.urls)
    const response = await balancedFetch(balancer)('/')
    await expect(response.text()).rejects.toMatchObject({ code: 'UPSTREAM_RESET' })
    expect(balancer.open).toBe(0)
  })

  test('comes at the pace of its reader, whole', async () => {
    const size = 32 * 1_048_576
    let sent = 0
    const server = createServer((_, res) => {
      const send = () => {
        while (sent < size) {
          sent += 65_536
          if (!res.write(Buffer.alloc(65_536))) return res.once('drain', send)
        }
        return res.end()
      }
      send()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const send = balancedFetch(ledger([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]))
    const response = await send('/')
    await standstill(() => sent)
    expect(sent).toBeLessThan(size)
    expect((await response.arrayBuffer()).byteLength).toBe(size)
    await send.close()
    server.close()
  })
})

describe('an abort', () => {
  test('before it is sent, while it waits, and in the body rejects with the reason', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const balancer = ledger(farm.urls)
    const send = balancedFetch(balancer)
    const reason = new Error('enough')
    await expect(send('/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(balancer.entries).toHaveLength(0)
    const controller = new AbortController()
    const waiting = send('/', { signal: controller.signal })
    await at(farm, 0).when(() => farm.hits === 1)
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    at(farm, 0).fault = { kind: 'hang-mid-body' }
    const late = new AbortController()
    const response = await send('/', { signal: late.signal })
    const reading = response.text()
    late.abort(reason)
    await expect(reading).rejects.toBe(reason)
    expect([balancer.open, balancer.kinds]).toEqual([0, ['cancelled', 'success']])
    await send.close()
  })

  test('200 calls that end in every way leave nothing behind', async () => {
    await using farm = await origins(2)
    const before = baseline()
    const balancer = createBalancer({ endpoints: farm.urls, limits: { perEndpoint: 10 }, queue: { size: 40 } })
    const send = balancedFetch(balancer)
    const visit = async (n: number) => {
      const controller = new AbortController()
      const asked = send('/', { signal: controller.signal })
      if (n % 4 === 0) setImmediate(() => controller.abort())
      const response = await asked
      if (n % 3 === 0) await response.body?.cancel()
      else await response.text()
    }
    for (let n = 0; n < 200; n += 40) await Promise.allSettled(Array.from({ length: 40 }, (_, at) => visit(n + at)))
    expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0])
    await send.close()
    await before.settled()
  })
})

test.each([
  [{ unreadMs: 0 }, 'unreadMs'],
  [{ retries: -1 }, 'retries'],
  [{ via: 'x' }, 'via'],
])('%o is refused', (options, path) => {
  expect(() => balancedFetch(ledger([]), options as never)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path }))
})
