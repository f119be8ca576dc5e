import { setImmediate } from 'node:timers/promises'
import { type Context, chain, GatewayError, HeaderList, PushSource, type Reply, text } from '@gatelet/core'
import { call, exchange } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { closedGate, fresh, scene, seen } from './scene.ts'

/** A body that the test fills. */
function filled(headers: Record<string, string> = {}) {
  const state = { paused: false, cancelled: false }
  const source = new PushSource({
    pause() {
      state.paused = true
    },
    resume() {
      state.paused = false
    },
    cancel() {
      state.cancelled = true
    },
  })
  const reply: Reply = { status: 200, headers: new HeaderList({ 'cache-control': 'max-age=60', ...headers }), body: source }
  const push = (text: string) => {
    if (!source.push(Buffer.from(text))) state.paused = true
  }
  return { source, reply, state, push }
}

const many = <T>(n: number, make: (at: number) => T): T[] => Array.from({ length: n }, (_, at) => make(at))

describe('requests that ask the same at the same time', () => {
  test('are answered by one request, with the same bytes', async () => {
    const gate = closedGate()
    const { handler, asked, clock, layer } = scene(async (_, n) => {
      await gate.passed
      return fresh(`body ${n}`)
    })
    const answers = many(1_000, () => seen(call(handler, '/', { clock })))
    await setImmediate()
    gate.open()
    const all = await Promise.all(answers)
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(['body 1']))
    expect(asked).toHaveLength(1)
    expect(all.filter(({ said }) => said === 'fwd=uri-miss; fwd-status=200; collapsed')).toHaveLength(999)
    expect(layer.stats()).toMatchObject({ misses: 1_000, collapsed: 999, stored: 1, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })

  test('get the bytes as they come', async () => {
    const { source, reply, push } = filled({ 'content-length': '10' })
    const { handler, clock } = scene(() => reply)
    const read: string[] = []
    const reading = async (name: string) => {
      const answer = await call(handler, '/', { clock })
      const source = answer.body as PushSource
      source.pipeTo({
        write: (chunk) => read.push(`${name} ${Buffer.from(chunk)}`) > 0,
        end: () => void read.push(`${name} end`),
        fail: (error) => void read.push(`${name} ${error.message}`),
      })
    }
    await Promise.all([reading('a'), reading('b')])
    push('01234')
    await reading('c')
    push('56789')
    source.end()
    expect(read).toEqual(['a 01234', 'b 01234', 'c 01234', 'a 56789', 'b 56789', 'c 56789', 'a end', 'b end', 'c end'])
    await setImmediate()
    expect((await seen(call(handler, '/', { clock }))).said).toBe('hit; ttl=60')
  })

  test('do not wait for each other where that is switched off', async () => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(
      async (_, n) => {
        await gate.passed
        return fresh(`body ${n}`)
      },
      { collapse: false },
    )
    const answers = many(3, () => seen(call(handler, '/', { clock })))
    await setImmediate()
    expect(asked).toHaveLength(3)
    gate.open()
    await Promise.all(answers)
  })

  test.each([
    ['is for nobody else', () => fresh('x', { 'cache-control': 'private' })],
    ['is not fresh', () => fresh('x', { 'cache-control': 'no-cache', etag: '"1"' })],
    ['was refused for who asked', () => Promise.reject(new GatewayError('FORBIDDEN'))],
  ])('ask each for itself once the reply %s, all at once', async (_, answer) => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(async (_, n) => {
      if (n === 1) await gate.passed
      return answer()
    })
    const answers = many(20, () => seen(call(handler, '/', { clock })))
    await setImmediate()
    expect(asked).toHaveLength(1)
    gate.open()
    await Promise.all(answers)
    expect(asked).toHaveLength(20)
  })

  test.each<[string, () => Reply | Promise<Reply>, number, string]>([
    ['is an error', () => text('of the first one', 503), 503, 'fwd=uri-miss; fwd-status=503; collapsed; detail=failed'],
    ['fails', () => Promise.reject(new GatewayError('UPSTREAM_RESET')), 502, 'fwd=uri-miss; collapsed; detail=failed'],
    ['finds no server', () => Promise.reject(new GatewayError('NO_ENDPOINT')), 503, 'fwd=uri-miss; collapsed; detail=failed'],
  ])(
    'ask once more when the reply %s, and share it then: a sick upstream is not asked by all at once',
    async (_, answer, status, said) => {
      const gate = closedGate()
      const { handler, asked, clock, layer } = scene(async (_, n) => {
        if (n === 1) await gate.passed
        return answer()
      })
      const answers = many(20, () => seen(call(handler, '/', { clock })))
      await setImmediate()
      gate.open()
      const all = await Promise.all(answers)
      expect(asked).toHaveLength(2)
      expect(all.every((each) => each.status === status)).toBe(true)
      // What the upstream said to another one is not for them.
      expect(all.filter(({ body }) => body === 'of the first one').length).toBeLessThanOrEqual(2)
      expect(all.filter((each) => each.said === said)).toHaveLength(18)
      expect(layer.stats()).toMatchObject({ misses: 20, collapsed: 18, inFlight: 0 })
      expect(clock.pending).toBe(0)
    },
  )

  test('are served when only the one who asked first made the upstream fail', async () => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(async (_, n) => {
      await gate.passed
      return n === 1 ? text('a header of theirs', 500) : fresh()
    })
    const answers = many(20, () => seen(call(handler, '/', { clock })))
    await setImmediate()
    gate.open()
    const all = await Promise.all(answers)
    expect(all.map(({ status }) => status)).toEqual([500, ...many(19, () => 200)])
    expect(asked).toHaveLength(2)
  })

  test('are told what the cache did also when a time limit ends their waiting', async () => {
    const { layer, clock } = scene(() => fresh())
    const limits = [3_000, 2_000]
    const handler = chain()
      .use((ctx, next) => next(ctx.withDeadline(clock.now() + (limits.shift() ?? 0))))
      .use(layer)
      .to((ctx) => new Promise<Reply>((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))))
    const both = [seen(call(handler, '/', { clock })), seen(call(handler, '/', { clock }))]
    await clock.advance(3_000)
    for (const { status, said } of await Promise.all(both)) expect([status, said]).toEqual([504, 'fwd=uri-miss; detail=aborted'])
    expect(layer.stats()).toMatchObject({ misses: 2, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })

  test('wait no longer in all than for one, however many fail', async () => {
    const { handler, asked, clock } = scene((_, n) => (n === 1 ? failsLater() : new Promise(() => {})), {
      collapse: { waitMs: 1_000 },
    })
    const failsLater = async (): Promise<Reply> => {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 600))
      return text('x', 500)
    }
    const waiting = many(3, () => call(handler, '/', { clock }))
    void waiting.map((each) => each.catch(() => {}))
    await setImmediate()
    await clock.advance(600)
    await setImmediate()
    // The second one asks now; the third has 400 ms left.
    expect(asked).toHaveLength(2)
    await clock.advance(400)
    await setImmediate()
    expect(asked).toHaveLength(3)
  })

  test('do not wait again for a while where replies are for one only', async () => {
    const gate = closedGate()
    let isOpen = true
    const { get, handler, asked, clock } = scene(async () => {
      if (!isOpen) await gate.passed
      return fresh('x', { 'cache-control': 'private' })
    })
    await get('/')
    isOpen = false
    const answers = many(20, () => seen(call(handler, '/', { clock })))
    await setImmediate()
    expect(asked).toHaveLength(21)
    gate.open()
    await Promise.all(answers)
    await clock.advance(10_000)
    await Promise.all(many(2, () => seen(call(handler, '/', { clock }))))
    expect(asked).toHaveLength(23)
  })

  test('are answered by one request for each variant', async () => {
    const { handler, asked, clock } = scene(async (ctx) => {
      await setImmediate()
      return fresh(ctx.request.headers.get('accept-language') ?? '', { vary: 'accept-language' })
    })
    const languages = ['de', 'en', 'fr']
    const asking = (at: number) => ({ url: '/', headers: { 'accept-language': languages[at % 3] as string } })
    const all = await Promise.all(many(99, (at) => seen(call(handler, asking(at), { clock }))))
    expect(all.map(({ body }) => body)).toEqual(many(99, (at) => languages[at % 3]))
    expect(asked).toHaveLength(3)
  })

  test('do not wait one after another where everybody gets a variant of their own', async () => {
    let rounds = 0
    let inRound = 0
    const { handler, clock } = scene(async (ctx) => {
      if (inRound++ === 0) rounds++
      await setImmediate()
      inRound = 0
      return fresh(ctx.request.headers.get('x') ?? '', { vary: 'x' })
    })
    await Promise.all(many(100, (at) => seen(call(handler, { url: '/', headers: { x: String(at) } }, { clock }))))
    expect(rounds).toBeLessThan(5)
  })

  test('wait no longer than they are told to', async () => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(
      async (_, n) => {
        if (n === 1) await gate.passed
        return fresh(`body ${n}`)
      },
      { collapse: { waitMs: 500 } },
    )
    const first = seen(call(handler, '/', { clock }))
    const second = seen(call(handler, '/', { clock }))
    await clock.advance(500)
    expect(await second).toMatchObject({ body: 'body 2', said: 'fwd=uri-miss; fwd-status=200; stored; detail=collapse-timeout' })
    gate.open()
    expect((await first).body).toBe('body 1')
    expect(asked).toHaveLength(2)
  })

  test('with credentials go by themselves', async () => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(async () => {
      await gate.passed
      return fresh('x', { 'cache-control': 'public, max-age=60' })
    })
    const answers = many(3, () => seen(call(handler, { url: '/', headers: { authorization: 'Bearer x' } }, { clock })))
    await setImmediate()
    expect(asked).toHaveLength(3)
    gate.open()
    await Promise.all(answers)
    expect((await seen(call(handler, '/', { clock }))).said).toBe('hit; ttl=60')
  })

  test('revalidate together', async () => {
    const { get, handler, asked, clock } = scene((ctx) =>
      ctx.request.headers.has('if-none-match')
        ? { status: 304, headers: new HeaderList({ etag: '"1"', 'cache-control': 'max-age=60' }), body: null }
        : fresh('hello', { etag: '"1"' }),
    )
    await get('/')
    await clock.advance(61_000)
    const all = await Promise.all(many(50, () => seen(call(handler, '/', { clock }))))
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(['hello']))
    expect(asked).toHaveLength(2)
  })

  test('each send what is stale in place of an error', async () => {
    const { get, handler, asked, clock } = scene(async (_, n) => {
      await setImmediate()
      return n === 1 ? fresh('hello', { 'cache-control': 'max-age=60, stale-if-error=600' }) : text('broken', 503)
    })
    await get('/')
    await clock.advance(61_000)
    const all = await Promise.all(many(50, () => seen(call(handler, '/', { clock }))))
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(['hello']))
    expect(asked).toHaveLength(2)
  })
})

describe('a client that leaves', () => {
  test('does not take the reply away from those who wait for it', async () => {
    const gate = closedGate()
    const { handler, asked, clock } = scene(async () => {
      await gate.passed
      return fresh('hello')
    })
    const leader = exchange('/', { clock })
    const left = leader.ask(handler)
    const follower = seen(call(handler, '/', { clock }))
    await setImmediate()
    leader.abort()
    expect((await left).status).toBe(499)
    gate.open()
    expect((await follower).body).toBe('hello')
    await Promise.all(leader.background)
    expect(asked).toHaveLength(1)
  })

  test('does not take the body away from those who read it', async () => {
    const { source, reply, push, state } = filled()
    const { handler, clock, store } = scene(() => reply)
    const leader = exchange('/', { clock })
    await leader.ask(handler)
    const follower = await call(handler, '/', { clock })
    const body = follower.text()
    push('hel')
    leader.abort()
    push('lo')
    source.end()
    expect(await body).toBe('hello')
    await Promise.all(leader.background)
    expect(state.cancelled).toBe(false)
    expect(store.urls).toHaveLength(1)
  })

  test('ends the request when it was the last one, before the head and after it', async () => {
    let stopped = 0
    const { reply, state } = filled()
    const { handler, clock, layer } = scene((ctx: Context, n) => {
      if (n === 2) return reply
      return new Promise<Reply>((_, reject) => {
        ctx.onAbort(() => {
          stopped++
          reject(ctx.signal.reason)
        })
      })
    })
    const clients = many(3, () => exchange('/', { clock }))
    const answers = clients.map((client) => client.ask(handler))
    await setImmediate()
    for (const client of clients) {
      expect(stopped).toBe(0)
      client.abort()
      await setImmediate()
    }
    expect(stopped).toBe(1)
    await Promise.all(answers)
    await Promise.all(clients.flatMap(({ background }) => background))

    const late = many(2, () => exchange('/', { clock }))
    await Promise.all(late.map((client) => client.ask(handler)))
    for (const client of late) client.abort()
    expect(state.cancelled).toBe(true)
    await Promise.all(late.flatMap(({ background }) => background))
    expect(layer.stats().inFlight).toBe(0)
    expect(clock.pending).toBe(0)
  })
})

describe('a client that reads slowly', () => {
  const reader = (body: PushSource) => {
    const read: Buffer[] = []
    let ended = ''
    const state = { takes: true }
    const flow = body.pipeTo({
      write(chunk) {
        read.push(Buffer.from(chunk))
        return state.takes
      },
      end: () => {
        ended = 'end'
      },
      fail: (error) => {
        ended = error.message
      },
    })
    return { state, flow, text: () => Buffer.concat(read).toString(), ended: () => ended }
  }

  test('does not hold up the others, and gets all of it in the end', async () => {
    const { source, reply, push, state } = filled()
    const { handler, clock } = scene(() => reply)
    const slow = reader((await call(handler, '/', { clock })).body as PushSource)
    const fast = reader((await call(handler, '/', { clock })).body as PushSource)
    slow.state.takes = false
    for (let n = 0; n < 100; n++) {
      push(String(n % 10))
      expect(state.paused).toBe(false)
    }
    source.end()
    expect(fast.text()).toHaveLength(100)
    expect(fast.ended()).toBe('end')
    expect(slow.text()).toHaveLength(1)
    slow.state.takes = true
    slow.flow.resume()
    expect(slow.text()).toBe(fast.text())
    expect(slow.ended()).toBe('end')
  })

  test('alone sets the pace', async () => {
    const { reply, push, state } = filled()
    const { handler, clock } = scene(() => reply)
    const slow = reader((await call(handler, '/', { clock })).body as PushSource)
    slow.state.takes = false
    push('x')
    expect(state.paused).toBe(true)
    slow.flow.resume()
    expect(state.paused).toBe(false)
  })

  test('holds up the others only when as much waits for it as may be stored, and not for ever', async () => {
    const { source, reply, push, state } = filled()
    const { handler, clock, store } = scene(() => reply, { maxEntryBytes: 50, collapse: { waitMs: 1_000 } })
    const slow = reader((await call(handler, '/', { clock })).body as PushSource)
    const fast = reader((await call(handler, '/', { clock })).body as PushSource)
    slow.state.takes = false
    for (let n = 0; n < 51; n++) push('x')
    expect(state.paused).toBe(false)
    push('x')
    expect(state.paused).toBe(true)
    await clock.advance(1_000)
    expect(state.paused).toBe(false)
    expect(slow.ended()).toMatch(/too slowly/)
    push('y')
    source.end()
    expect(fast.text()).toBe(`${'x'.repeat(52)}y`)
    expect(fast.ended()).toBe('end')
    await setImmediate()
    expect(store.urls).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

test('interim answers reach the client that waits', async () => {
  const { handler, clock } = scene((ctx) => {
    ctx.inform(103, new HeaderList({ link: '</a.css>' }))
    return fresh()
  })
  const client = exchange('/', { clock })
  await client.ask(handler)
  expect(client.informed.map(({ status }) => status)).toEqual([103])
})
