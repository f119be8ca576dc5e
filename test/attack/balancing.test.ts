import { boundedLoad, byCookie, byHeader, createBalancer, rendezvous } from '@gatelet/balancer'
import { GatewayError, type Handler, HeaderList } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, origins } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { message, room, statuses } from './support/room.ts'

// Who is asked is never for the client to say.

test.each([
  [
    'a header',
    message('GET /x', [
      'X-Forwarded-Server: 169.254.169.254',
      'X-Original-URL: http://169.254.169.254/',
      'X-Rewrite-URL: /admin',
    ]),
  ],
  ['the query', message('GET /x?url=http://169.254.169.254/&target=127.0.0.1:1')],
  ['the target', message('GET http://169.254.169.254/x', ['Host: 169.254.169.254'])],
  ['the host', message('GET /x', ['Host: 169.254.169.254'])],
])('an address in %s chooses nobody: the configured upstream is asked', async (_, sends) => {
  await using scene = await room()
  expect(statuses(await scene.ask(sends))).toEqual([200])
  expect(scene.upstream.lines).toHaveLength(1)
})

test('an endpoint is a URL of http or https, and has no user information in it', () => {
  for (const url of ['file:///etc/passwd', 'ftp://a.test', 'gopher://a.test', 'a.test', 'http://']) {
    expect(() => createBalancer({ endpoints: [url] }), url).toThrow(GatewayError)
    expect(() => proxy(url), url).toThrow(GatewayError)
  }
})

describe('keys of clients', () => {
  test.each(['__proto__', 'constructor', 'toString', 'x'.repeat(15_000), 'a:b', '%00', ''])(
    '%j leads to some endpoint, always the same',
    async (key) => {
      await using farm = await origins(3)
      const balancer = createBalancer({ endpoints: farm.urls, strategy: 'rendezvous', hashKey: byHeader('x-key') })
      const forward = proxy(balancer)
      for (let asked = 0; asked < 5; asked++)
        expect((await call(forward, { headers: key === '' ? {} : { 'x-key': key } })).status).toBe(200)
      if (key !== '') expect(farm.servers.filter(({ hits }) => hits > 0)).toHaveLength(1)
      expect(Object.prototype).not.toHaveProperty('x-key')
      await forward.close()
      await balancer.close()
    },
  )

  test('one that everybody sends overloads nobody where loads are bounded', async () => {
    const busy = new Map<string, number>()
    const waiting: (() => void)[] = []
    const slow =
      (id: string): Handler =>
      async () => {
        busy.set(id, (busy.get(id) ?? 0) + 1)
        await new Promise<void>((resolve) => waiting.push(resolve))
        return { status: 200, headers: new HeaderList(), body: null }
      }
    const ids = ['a', 'b', 'c', 'd']
    const balancer = createBalancer({
      endpoints: ids.map((id) => ({ id, handler: slow(id) })),
      strategy: boundedLoad(rendezvous, { factor: 1.25 }),
      hashKey: byHeader('x-key'),
    })
    const forward = proxy(balancer)
    const asked = Array.from({ length: 100 }, () => call(forward, { headers: { 'x-key': 'everybody' } }))
    await expect.poll(() => waiting.length).toBe(100)
    // 100 / 4 * 1.25, rounded up.
    expect(Math.max(...busy.values())).toBeLessThanOrEqual(32)
    for (const go of waiting) go()
    await Promise.all(asked)
    await forward.close()
    await balancer.close()
  })
})

describe('a cookie that keeps a client at one endpoint', () => {
  const secret = 'a secret of the test'

  test.each([
    ['is forged', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['names an address', 'http://169.254.169.254'],
    ['names a part of a prototype', '__proto__'],
    ['is 8 kB long', 'x'.repeat(8_000)],
  ])('and %s falls back to balancing, and is replaced', async (_, value) => {
    await using farm = await origins(2)
    const balancer = createBalancer({ endpoints: farm.urls, affinity: { cookie: 'session', secret } })
    const forward = proxy(balancer)
    const reply = await call(forward, { headers: { cookie: `session=${value}` } })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('set-cookie')).toMatch(/^session=/)
    await forward.close()
    await balancer.close()
  })

  test('and names an endpoint that was removed falls back to balancing', async () => {
    await using farm = await origins(2)
    const balancer = createBalancer({ endpoints: farm.urls, affinity: { cookie: 'session', secret } })
    const forward = proxy(balancer)
    const cookie = (await call(forward)).headers.get('set-cookie')?.split(';')[0] ?? ''
    const first = farm.servers.findIndex(({ hits }) => hits > 0)
    await balancer.remove(farm.urls[first] ?? '')
    const reply = await call(forward, { headers: { cookie } })
    expect([reply.status, reply.headers.has('set-cookie')]).toEqual([200, true])
    expect(farm.servers[1 - first]?.hits).toBe(1)
    await forward.close()
    await balancer.close()
  })

  test('is only hashed where it is a key: what is in it chooses no endpoint by name', async () => {
    await using farm = await origins(2)
    const balancer = createBalancer({ endpoints: farm.urls, strategy: 'maglev', hashKey: byCookie('sid') })
    const forward = proxy(balancer)
    for (const url of farm.urls) await call(forward, { headers: { cookie: `sid=${url}` } })
    expect(farm.hits).toBe(2)
    await forward.close()
    await balancer.close()
  })
})
