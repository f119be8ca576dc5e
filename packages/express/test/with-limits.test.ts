import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toExpress } from '@gatelet/express'
import { rateLimit } from '@gatelet/rate-limiter'
import type { Application } from 'express'
import { describe, expect, test } from 'vitest'
import { expresses } from './expresses.ts'

async function listening(app: Application) {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each(expresses)('in front of %s', (_, express) => {
  const silent = () => express().set('env', 'test')

  test('a limit refuses, and its fields stand on what routes answer, errors too', async () => {
    const app = silent().set('trust proxy', 1)
    app.use(toExpress(rateLimit({ name: 'a', limit: 3, per: '1h' }), { trustedProxies: 'framework' }))
    app.get('/', (_req, res) => void res.json({ ok: true }))
    app.get('/fails', () => {
      throw Object.assign(new Error('no'), { status: 418 })
    })
    await using server = await listening(app)
    const ask = async (path: string, client = '192.0.2.1') => {
      const { status, headers } = await fetch(server.url + path, { headers: { 'x-forwarded-for': client } })
      return [status, headers.get('ratelimit-policy'), headers.get('ratelimit')?.split(';t')[0]]
    }
    const policy = '"a";q=3;w=3600'
    expect(await ask('/')).toEqual([200, policy, '"a";r=2'])
    expect(await ask('/fails')).toEqual([418, policy, '"a";r=1'])
    expect(await ask('/none')).toEqual([404, policy, '"a";r=0'])
    expect(await ask('/')).toEqual([429, policy, '"a";r=0'])
    expect(await ask('/', '192.0.2.2')).toEqual([200, policy, '"a";r=2'])
    // As a proxy writes it that adds the port.
    expect(await ask('/', '192.0.2.1:4711')).toEqual([429, policy, '"a";r=0'])
    expect(await ask('/', '[2001:db8::1]:4711')).toEqual([200, policy, '"a";r=2'])
    expect(await ask('/', '[2001:db8::2]:4712')).toEqual([200, policy, '"a";r=1'])
  })

  test('a slot is held while a route answers, and free when its client has left', async () => {
    const app = silent()
    app.use(toExpress(rateLimit({ limit: 1, algorithm: 'concurrency' })))
    let isAsked = () => {}
    app.get('/slow', () => isAsked())
    app.get('/', (_req, res) => void res.json({ ok: true }))
    await using server = await listening(app)
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    const leaving = new AbortController()
    const slow = fetch(`${server.url}/slow`, { signal: leaving.signal }).catch(() => {})
    await asked
    expect((await fetch(server.url)).status).toBe(429)
    leaving.abort()
    await slow
    await expect.poll(async () => (await fetch(server.url)).status).toBe(200)
    expect((await fetch(server.url)).status).toBe(200)
  })
})
