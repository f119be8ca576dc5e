import { createBalancer } from '@gatelet/balancer'
import { chain, type EventMap, type Handler, type Middleware, subscribe, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter, type SplitBackend, type SplitOptions, type SplitRule, type SplitState, split } from '@gatelet/router'
import { type Answer, call, calls, type Origin, origins, type RequestLike, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'

const says: Handler<SplitState> = (ctx) => text(ctx.state.variant)
const release = (stable: number, canary: number, options: SplitOptions = {}) =>
  split(
    [
      { name: 'stable', weight: stable, to: says },
      { name: 'canary', weight: canary, to: says },
    ],
    { clock: virtualClock({ seed: 7 }), ...options },
  )

async function counted(handler: Handler, n: number, request?: (at: number) => RequestLike): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const reply of await calls(handler, n, request)) {
    const variant = reply.status === 200 ? await reply.text() : String(reply.status)
    counts[variant] = (counts[variant] ?? 0) + 1
  }
  return counts
}

describe('by chance', () => {
  test('each backend gets its share', async () => {
    expect(await counted(release(90, 10), 1_000)).toEqual({ stable: 890, canary: 110 })
  })

  test('a backend of weight 0 gets nothing, one without a weight counts 1', async () => {
    const handler = split([{ to: says }, { weight: 0, to: says }, { weight: 1, to: says }], { clock: virtualClock({ seed: 7 }) })
    expect(handler.weights).toEqual({ 0: 1, 1: 0, 2: 1 })
    expect(await counted(handler, 1_000)).toEqual({ 0: 460, 2: 540 })
  })

  test('a backend that is missing answers its share 500, and the others go on', async () => {
    const backends: SplitBackend[] = [
      { name: 'here', weight: 3, to: says },
      { name: 'missing', weight: 1, to: undefined },
    ]
    const handler = split(backends, { clock: virtualClock({ seed: 7 }) })
    expect(await counted(handler, 1_000)).toEqual({ 500: 267, here: 733 })
  })

  test('one whose servers are all down answers its share 503', async () => {
    const clock = virtualClock({ seed: 7 })
    const down = createBalancer({ endpoints: [{ url: 'http://127.0.0.1:9', weight: 0 }] })
    onTestFinished(() => down.close())
    const handler = split([{ name: 'here', to: says }, { to: proxy(down) }], { clock })
    expect(await counted(handler, 100)).toEqual({ 503: 57, here: 43 })
  })

  test('where every weight is 0, everything is answered 500', async () => {
    const reply = await call(release(0, 0), '/')
    expect([reply.status, await reply.json()]).toEqual([500, expect.objectContaining({ code: 'BAD_OPTION' })])
    expect((await call(release(0, 0, { stickyBy: () => 'a' }), '/')).status).toBe(500)
  })
})

describe('setWeights', () => {
  test('changes what is named and leaves the rest', async () => {
    const handler = release(100, 0)
    expect(await counted(handler, 10)).toEqual({ stable: 10 })
    handler.setWeights({ canary: 50 })
    expect(handler.weights).toEqual({ stable: 100, canary: 50 })
    handler.setWeights({ stable: 0 })
    expect(await counted(handler, 10)).toEqual({ canary: 10 })
  })

  test.each([
    [{ stable: 1, canary: -1 }, 'canary'],
    [{ stable: 1, other: 1 }, 'other'],
    [{ stable: '1' }, 'stable'],
    ['stable', ''],
  ])('refuses %j, and changes nothing', (changes, path) => {
    const handler = release(90, 10)
    expect(() => handler.setWeights(changes as never)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    expect(() => handler.setWeights(changes as never)).toThrow(path === '' ? 'an object' : path)
    expect(handler.weights).toEqual({ stable: 90, canary: 10 })
  })

  test('swaps blue and green with what is under way whole', async () => {
    await using farm = await origins(2)
    const [blue, green] = farm.servers as [Origin, Origin]
    const handler = split([
      { name: 'blue', weight: 100, to: proxy(blue.url) },
      { name: 'green', weight: 0, to: proxy(green.url) },
    ])
    await using server = await serve(handler, { port: 0 })
    const ask = async () => ((await (await fetch(`http://127.0.0.1:${server.port}/`)).json()) as { id: number }).id
    blue.fault = { kind: 'hang-before-headers' }
    const underWay = [ask(), ask(), ask()]
    await blue.when(() => blue.hits === 3)
    handler.setWeights({ blue: 0, green: 100 })
    expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array(20).fill(1))
    blue.release()
    expect(await Promise.all(underWay)).toEqual([0, 0, 0])
    expect(blue.hits).toBe(3)
  })
})

describe('sticky by a key', () => {
  const byUser: SplitOptions = { stickyBy: (ctx) => ctx.request.headers.get('x-user') }
  const user = (name: string | number) => ({ headers: { 'x-user': String(name) } })

  test('the same key goes to the same backend, and each has its share of the keys', async () => {
    const handler = release(90, 10, byUser)
    const counts = await counted(handler, 1_000, user)
    expect(counts).toEqual({ stable: 908, canary: 92 })
    expect(await counted(release(90, 10, byUser), 1_000, user)).toEqual(counts)
    for (const name of [1, 2, 3]) expect(Object.values(await counted(handler, 20, () => user(name)))).toEqual([20])
  })

  test('a request without a key goes by chance', async () => {
    expect(await counted(release(50, 50, byUser), 100)).toEqual({ stable: 43, canary: 57 })
  })

  test('other weights move keys one way only, and no more than they must', async () => {
    const handler = release(90, 10, byUser)
    const before = await variants(handler, 1_000, user)
    handler.setWeights({ stable: 70, canary: 30 })
    const after = await variants(handler, 1_000, user)
    const moved = before.map((variant, at) => `${variant} ${after[at]}`).filter((move) => new Set(move.split(' ')).size > 1)
    expect(new Set(moved)).toEqual(new Set(['stable canary']))
    expect(moved).toHaveLength(194)
  })

  test('the order of backends plays no part', async () => {
    const backends: SplitBackend[] = ['a', 'b', 'c'].map((name, at) => ({ name, weight: at + 1, to: says }))
    const [one, other] = [split(backends, byUser), split([...backends].reverse(), byUser)]
    expect(await variants(one, 200, user)).toEqual(await variants(other, 200, user))
  })

  async function variants(handler: Handler, n: number, request: (at: number) => RequestLike): Promise<string[]> {
    return Promise.all((await calls(handler, n, request)).map((reply) => reply.text()))
  }
})

describe.each([undefined, 'a secret of the test'])('sticky by a cookie (secret: %s)', (secret) => {
  const sticky = { cookie: 'release', ...(secret && { secret }) }
  const cookieOf = (reply: Answer) => reply.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const withCookie = (cookie: string) => ({ headers: { cookie } })

  test('a new client goes by chance and stays there', async () => {
    const handler = release(50, 50, { stickyBy: sticky })
    const seen = new Set<string>()
    for (const first of await calls(handler, 20)) {
      const variant = await first.text()
      seen.add(variant)
      expect(first.headers.get('set-cookie')).toMatch(/^release=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/)
      expect(first.headers.get('cache-control')).toBe('private')
      const again = await call(handler, withCookie(`a=b; ${cookieOf(first)}`))
      expect([await again.text(), again.headers.has('set-cookie')]).toEqual([variant, false])
    }
    expect(seen.size).toBe(2)
  })

  test('other weights move no more clients than they must', async () => {
    const handler = release(90, 10, { stickyBy: sticky })
    const before = await calls(handler, 500)
    handler.setWeights({ stable: 80, canary: 20 })
    let moved = 0
    for (const first of before) {
      const [old, now] = [await first.text(), await (await call(handler, withCookie(cookieOf(first)))).text()]
      if (old !== now) moved++
      expect([old, now]).not.toEqual(['canary', 'stable'])
    }
    expect(moved).toBe(45)
  })

  test('what we have not made begins anew', async () => {
    const handler = release(50, 50, { stickyBy: sticky })
    const genuine = cookieOf(await call(handler, '/'))
    const made = ['release=', 'release=zzzz', 'release=0.', 'release=-1', 'release=ABC', `${genuine}x.y`, `${genuine}.`]
    for (const cookie of secret
      ? [...made, 'release=1', genuine.replace(/.$/, '!'), genuine.replace(/.$/, '\u00e9'), genuine.replace('=', '=1')]
      : made) {
      expect((await call(handler, withCookie(cookie))).headers.has('set-cookie'), cookie).toBe(true)
    }
    expect((await call(handler, withCookie(`release=zzzz; ${genuine}`))).headers.has('set-cookie')).toBe(false)
  })
})

describe('the cookie', () => {
  test('has the attributes that are wished for', async () => {
    const stickyBy = { cookie: 'v', maxAgeS: 60, sameSite: 'none', secure: true, path: '/shop' } as const
    const reply = await call(release(1, 0, { stickyBy }), '/')
    expect(reply.headers.get('set-cookie')).toMatch(/^v=\w+; Path=\/shop; HttpOnly; SameSite=None; Max-Age=60; Secure$/)
  })

  test('goes by https only where the client came so', async () => {
    const reply = await call(release(1, 0, { stickyBy: { cookie: 'v' } }), 'https://a.test/')
    expect(reply.headers.get('set-cookie')).toMatch(/; Secure$/)
  })

  test('comes with an error too, and with what is not to be stored anyway', async () => {
    const failing = split([{ to: () => Promise.reject(new Error('no')) }], { stickyBy: { cookie: 'v' } })
    const reply = await call(failing, '/')
    expect([reply.status, reply.headers.has('set-cookie'), reply.headers.get('cache-control')]).toEqual([500, true, 'no-store'])
  })
})

describe('when', () => {
  const when: SplitRule[] = [
    { header: 'x-release', value: 'canary', to: 'canary' },
    { cookie: 'tester', to: 'canary' },
    { cookie: 'tester', value: 'no', to: 'stable' },
  ]

  test.each<[Record<string, string>, string]>([
    [{ 'x-release': 'canary' }, 'canary'],
    [{ 'x-release': 'other' }, 'stable'],
    [{ 'x-release': '' }, 'stable'],
    [{ cookie: 'a=b; tester=yes' }, 'canary'],
    [{ cookie: 'tester=' }, 'stable'],
    [{ cookie: 'tester=no' }, 'canary'],
    [{ cookie: 'untester=yes' }, 'stable'],
    [{}, 'stable'],
  ])('%j leads to %s, whatever the weights', async (headers, expected) => {
    const reply = await call(release(100, 0, { when, stickyBy: { cookie: 'v' } }), { headers })
    expect(await reply.text()).toBe(expected)
    expect(reply.headers.has('set-cookie')).toBe(expected === 'stable')
  })

  test('the value may be asked for', async () => {
    const rules = [{ cookie: 'tester', value: 'yes', to: 'canary' }]
    expect(await (await call(release(1, 0, { when: rules }), { headers: { cookie: 'tester=no' } })).text()).toBe('stable')
    expect(await (await call(release(1, 0, { when: rules }), { headers: { cookie: 'tester=no; tester=yes' } })).text()).toBe(
      'canary',
    )
  })
})

test.each<[SplitOptions, string | null]>([
  [{}, null],
  [{ stickyBy: () => 'a' }, null],
  [{ stickyBy: { cookie: 'v' } }, 'cookie'],
  [{ when: [{ header: 'X-Release', to: 'canary' }] }, 'x-release'],
  [
    {
      stickyBy: { cookie: 'v' },
      when: [
        { header: 'x-a', to: 'canary' },
        { cookie: 't', to: 'canary' },
      ],
    },
    'x-a, cookie',
  ],
])('caches are told what %j chooses by, on errors too', async (options, vary) => {
  const failing = split([{ name: 'canary', to: () => Promise.reject(new Error('no')) }], options)
  for (const handler of [release(1, 1, options), failing]) {
    expect((await call(handler, '/')).headers.get('vary') ?? null).toBe(vary)
  }
})

test('tells which backend was chosen, and why', async () => {
  const told: EventMap['request:split'][] = []
  onTestFinished(subscribe('request:split', (event) => void told.push(event)))
  const options = { name: 'release', when: [{ header: 'x-canary', to: 'canary' }], stickyBy: () => undefined }
  await call(release(1, 0, options), '/')
  await call(release(1, 0, options), { headers: { 'x-canary': '1' } })
  await call(release(1, 0, { stickyBy: () => 'me' }), '/')
  expect(told).toMatchObject([
    { split: 'release', variant: 'stable', why: 'weight' },
    { split: 'release', variant: 'canary', why: 'forced' },
    { variant: 'stable', why: 'sticky' },
  ])
  expect(told[0]?.context.state).toMatchObject({ variant: 'stable' })
  expect(told[2]).not.toHaveProperty('split')
})

test('backends see the state of the layers in front, and so do keys', async () => {
  const named: Middleware<{}, { user: string }> = (ctx, next) => next(ctx.with({ user: ctx.request.headers.get('x-user') ?? '' }))
  const greets: Handler<{ user: string; variant: string; params: { id: string } }> = ({ state }) =>
    text(`${state.user} ${state.variant} ${state.params.id}`)
  const handler = chain()
    .use(named)
    .to(
      createRouter((router) => {
        router.get('/:id', split([{ name: 'only', to: greets }], { stickyBy: (ctx) => ctx.state.user }))
      }),
    )
  expect(await (await call(handler, { url: '/7', headers: { 'x-user': 'ann' } })).text()).toBe('ann only 7')
})

describe('at the start', () => {
  test.each<[unknown[], object, string]>([
    [[], {}, 'backends'],
    [[{ to: 'http://127.0.0.1' }], {}, 'backends[0].to'],
    [[{ to: says, weight: -1 }], {}, 'backends[0].weight'],
    [[{ to: says, weight: Number.NaN }], {}, 'backends[0].weight'],
    [[{ to: says, name: '' }], {}, 'backends[0].name'],
    [[{ to: says, name: '__proto__' }], {}, 'backends[0].name'],
    [[{ to: says, name: 'constructor' }], {}, 'backends[0].name'],
    [
      [
        { name: 'a', to: says },
        { name: 'a', to: says },
      ],
      {},
      'backends[1].name',
    ],
    [[{ name: '1', to: says }, { to: says }], {}, 'backends[1].name'],
    [[{ to: says }], { when: [{ header: 'x-a', to: 'canary' }] }, 'when[0].to'],
    [[{ to: says }], { when: [{ header: 'x-a', cookie: 'a', to: '0' }] }, 'when[0]'],
    [[{ to: says }], { stickyBy: { cookie: 'a', sameSite: 'none' } }, 'stickyBy.secure'],
    [[{ to: says }], { stickyBy: { cookie: '__Secure-a' } }, 'stickyBy.secure'],
    [[{ to: says }], { stickyBy: { cookie: '__Host-a', secure: true, path: '/a' } }, 'stickyBy.path'],
  ])('refuses %j with %j', (backends, options, path) => {
    expect(() => split(backends as SplitBackend[], options as SplitOptions)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path, message: expect.stringMatching(/^split: .* must be .*\(got .*\)$/) }),
    )
  })
})
