import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Dashboard, dashboard } from '@gatelet/dashboard'
import { toExpress } from '@gatelet/express'
import { toKoa } from '@gatelet/koa'
import { serve } from '@gatelet/node'
import { createRouter } from '@gatelet/router'
import express from 'express'
import Koa from 'koa'
import mount from 'koa-mount'
import { describe, expect, test } from 'vitest'

interface Started extends AsyncDisposable {
  readonly url: string
}

async function listening(listener: RequestListener): Promise<Started> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const page = (path?: string): Dashboard =>
  dashboard({
    authorize: 'loopback',
    balancers: { users: { endpoints: [{ id: 'a', weight: 1, inflight: 0 }], drain: async () => true, setWeight() {} } },
    ...(path === undefined ? {} : { path }),
  })

/** Koa prints that a client has left in the middle of a stream, unless it is told not to. */
const koa = () => Object.assign(new Koa(), { silent: true })

const onNode = (handler: Parameters<typeof serve>[0]) => serve(handler, { host: '127.0.0.1', port: 0 })

const ways: Readonly<Record<string, readonly [prefix: string, start: () => Promise<Started>]>> = {
  'node, at the root': ['', () => onNode(page())],
  'node, under a router': ['/admin', () => onNode(createRouter().mount('/admin/*rest', page()))],
  'node, under a router in a router': [
    '/ops/admin/live',
    () => onNode(createRouter().mount('/ops/*rest', createRouter().mount('/admin/live/*rest', page()))),
  ],
  'node, with its path': ['/admin', () => onNode(page('/admin'))],
  'Express, mounted': ['/admin', () => listening(express().use('/admin', toExpress(page())))],
  'Express, mounted twice': [
    '/ops/admin',
    () => listening(express().use('/ops', express.Router().use('/admin', toExpress(page())))),
  ],
  'Express, behind a body parser': ['/admin', () => listening(express().use(express.json()).use('/admin', toExpress(page())))],
  'Express, by the whole path': [
    '/admin',
    () => listening(express().use('/admin', toExpress(page('/admin'), { path: 'original' }))),
  ],
  'Koa, mounted': [
    '/admin',
    () =>
      listening(
        koa()
          .use(mount('/admin', toKoa(page())))
          .callback(),
      ),
  ],
  'Koa, with its path': [
    '/admin',
    () =>
      listening(
        koa()
          .use(toKoa(page('/admin')))
          .callback(),
      ),
  ],
}

describe.each(Object.entries(ways))('%s', (_, [prefix, start]) => {
  test('the page and all that it asks for is below its own URL', async () => {
    await using started = await start()
    const home = `${started.url}${prefix}/`
    // Whoever forgets the slash is brought there.
    const reply = await fetch(`${started.url}${prefix}`)
    expect([reply.status, reply.url]).toEqual([200, home])
    const html = await reply.text()
    const files = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, file = '']) => new URL(file, home).href)
    expect(files.length).toBeGreaterThan(4)
    for (const file of files) {
      expect(file.startsWith(home)).toBe(true)
      const answer = await fetch(file)
      expect([file, answer.status]).toEqual([file, 200])
      await answer.arrayBuffer()
    }
  })

  test('its API reads and changes', async () => {
    await using started = await start()
    const api = `${started.url}${prefix}/api/v1`
    const { csrfToken } = (await (await fetch(`${api}/session`)).json()) as { csrfToken: string }
    const drain = (origin: string) =>
      fetch(`${api}/endpoints/change`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken, origin },
        body: JSON.stringify({ balancer: 'users', id: 'a', action: 'drain' }),
      })
    const done = await drain(started.url)
    expect([done.status, await done.json()]).toEqual([200, { id: 'a', state: 'active', weight: 1 }])
    expect((await drain('http://attacker.example')).status).toBe(403)
    const head = await fetch(`${api}/overview`, { method: 'HEAD' })
    expect([head.status, head.headers.get('x-frame-options')]).toEqual([200, 'DENY'])
  })

  test('its live tail ends when the client leaves', async () => {
    await using started = await start()
    for (let opened = 0; opened < 20; opened++) {
      const leave = new AbortController()
      const reply = await fetch(`${started.url}${prefix}/api/v1/tail`, { signal: leave.signal })
      // More than may look on at once: those before have left, or will have soon.
      if (reply.status === 503) await reply.arrayBuffer()
      else expect(await reply.body?.getReader().read()).toMatchObject({ done: false })
      leave.abort()
    }
    await expect
      .poll(async () => {
        const leave = new AbortController()
        const { status } = await fetch(`${started.url}${prefix}/api/v1/tail`, { signal: leave.signal })
        leave.abort()
        return status
      })
      .toBe(200)
  })
})

test('an open tail does not keep a server that goes down waiting', async () => {
  const server = await onNode(page())
  const reply = await fetch(`${server.url}/api/v1/tail`)
  const reader = reply.body?.getReader()
  await reader?.read()
  const closing = server.close({ graceMs: 60_000 })
  for (let part = await reader?.read(); part && !part.done; ) part = await reader?.read()
  await closing
})
