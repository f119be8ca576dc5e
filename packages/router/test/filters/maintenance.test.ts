import { chain, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type MaintenanceOptions, maintenance } from '@gatelet/router'
import { call, describeMiddleware, rawClient } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

const active = { active: true } as const

describeMiddleware('maintenance', () => maintenance({ ...active, keep: ['/'] }), { describe, test, refuses: '/orders' })
describeMiddleware('maintenance that is over', () => maintenance(), { describe, test })

const ask = (options: MaintenanceOptions, ...request: Parameters<typeof call> extends [unknown, ...infer R] ? R : never) =>
  call(
    chain()
      .use(maintenance(options))
      .to(() => text('in')),
    ...request,
  )

describe('during maintenance', () => {
  test('the answer is 503 with the time after which to ask again', async () => {
    const reply = await ask({ ...active, retryAfterMs: 1_500, detail: 'Back at noon' })
    expect([reply.status, reply.headers.get('retry-after'), reply.headers.get('cache-control')]).toEqual([503, '2', 'no-store'])
    expect(await reply.json()).toMatchObject({ code: 'MAINTENANCE', detail: 'Back at noon' })
  })

  test.each<[MaintenanceOptions, string | undefined]>([
    [active, '120'],
    [{ ...active, retryAfterMs: 0 }, undefined],
  ])('%j says Retry-After %s', async (options, expected) => {
    expect((await ask(options)).headers.get('retry-after')).toBe(expected)
  })

  test.each<[MaintenanceOptions, string, number]>([
    [active, '/healthz', 200],
    [active, '/readyz?full', 200],
    [active, '/livez', 200],
    [active, '/healthz/x', 503],
    [active, '/HEALTHZ', 503],
    [{ ...active, keep: ['/a%7eb'] }, '/a~b', 200],
    [{ ...active, keep: [] }, '/healthz', 503],
  ])('%j answers %s with %i', async (options, url, status) => {
    expect((await ask(options, url)).status).toBe(status)
  })

  test.each<[client: string, status: number]>([
    ['10.1.2.3', 200],
    ['::ffff:10.1.2.3', 200],
    ['192.0.2.1', 503],
  ])('the client %s gets %i where 10.0.0.0/8 may come in', async (client, status) => {
    expect((await ask({ ...active, allow: ['10.0.0.0/8'] }, { client })).status).toBe(status)
  })
})

test('it is switched while a server runs, and what is under way goes on', async () => {
  const closed = maintenance()
  let answer = () => {}
  const handler = chain()
    .use(closed)
    .to(({ request }) =>
      request.url.path === '/slow'
        ? new Promise((resolve) => {
            answer = () => resolve(text('slow'))
          })
        : text('quick'),
    )
  await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
  await using slow = await rawClient(server.port)
  await using quick = await rawClient(server.port)
  const get = async (client: typeof slow, path: string) => {
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    return (await client.response()).status
  }
  expect([closed.isActive(), await get(quick, '/')]).toEqual([false, 200])
  const waiting = get(slow, '/slow')
  // Asked behind it on another connection, so that it is under way.
  expect(await get(quick, '/')).toBe(200)
  closed.start()
  expect([closed.isActive(), await get(quick, '/')]).toEqual([true, 503])
  answer()
  expect(await waiting).toBe(200)
  closed.stop()
  expect([closed.isActive(), await get(quick, '/')]).toEqual([false, 200])
})

test.each<[options: unknown, path: string, right: RegExp]>([
  [{ active: 1 }, 'active', /true or false/],
  [{ retryAfterMs: -1 }, 'retryAfterMs', /milliseconds from 0/],
  [{ allow: ['x'] }, 'allow[0]', /an IP address or a CIDR range/],
  [{ keep: '/livez' }, 'keep', /a list/],
  [{ keep: ['livez'] }, 'keep[0]', /a path such as/],
  [{ keep: ['/a?b'] }, 'keep[0]', /a path such as/],
  [{ detail: '' }, 'detail', /a string/],
])('maintenance refuses %j', (options, path, right) => {
  const error = refusal(() => maintenance(untyped<MaintenanceOptions>(options)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect(error.message).toMatch(right)
})
