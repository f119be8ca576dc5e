import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toKoa } from '@gatelet/koa'
import { rateLimit } from '@gatelet/rate-limiter'
import { describe, expect, test } from 'vitest'
import { koas } from './koas.ts'

describe.each(koas)('in front of %s', (_, KoaClass) => {
  test('a limit refuses, and its fields stand on what middleware answers', async () => {
    const app = Object.assign(new KoaClass(), { silent: true })
    app.use(toKoa(rateLimit({ name: 'a', limit: 2, per: '1h', headers: 'both' })))
    app.use((ctx) => {
      if (ctx.path === '/') ctx.body = { ok: true }
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const ask = async (path: string) => {
      const reply = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
      return [reply.status, reply.headers.get('ratelimit')?.split(';t')[0], reply.headers.get('x-ratelimit-remaining')]
    }
    expect(await ask('/')).toEqual([200, '"a";r=1', '1'])
    expect(await ask('/none')).toEqual([404, '"a";r=0', '0'])
    expect(await ask('/')).toEqual([429, '"a";r=0', '0'])
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('a client behind a proxy that adds the port is one client, however often it connects', async () => {
    const app = Object.assign(new KoaClass(), { silent: true, proxy: true })
    app.use(toKoa(rateLimit({ limit: 1, per: '1h' }), { trustedProxies: 'framework' }))
    app.use((ctx) => {
      ctx.body = { ok: true }
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const ask = async (client: string) => {
      const headers = { 'x-forwarded-for': client }
      return (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })).status
    }
    const found = [
      await ask('192.0.2.1:4711'),
      await ask('192.0.2.1:4712'),
      await ask('[2001:db8::1]:4711'),
      await ask('2001:db8::2'),
    ]
    expect(found).toEqual([200, 429, 200, 429])
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
