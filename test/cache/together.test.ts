import { connect } from 'node:net'
import type { Middleware } from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { ask, type Got } from './support/ask.ts'
import { type Scene, scene, until } from './support/scene.ts'
import type { OriginAnswer } from './support/scripted-origin.ts'

// Many who ask the same at once: one asks the origin, and nobody's fate is another's.

const fresh = { 'cache-control': 'max-age=60' }

/** A scene in which the origin answers when the test says so, and one sees how many requests have come to the gateway. */
async function held(answer: OriginAnswer, more: Parameters<typeof scene>[0] = {}) {
  let come = 0
  const before: Middleware = (ctx, next) => {
    come++
    return next(ctx)
  }
  const { promise, resolve } = withResolvers()
  const at = await scene({ ...more, before })
  at.origin.answerWith(() => ({ first: () => promise, ...answer }))
  return { at, let: resolve, come: (count: number) => until(() => come >= count) }
}

function withResolvers() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

const many = (at: Scene, count: number, question = {}) => Array.from({ length: count }, () => ask(at.url, question))
const isSame = (got: Got, body: Buffer | string) =>
  expect({ status: got.status, isWhole: got.isWhole, isSame: got.body.equals(Buffer.from(body)) }).toEqual({
    status: 200,
    isWhole: true,
    isSame: true,
  })

test('1,000 who ask at once what is not stored make one request of it, and each gets the same bytes', async () => {
  const body = bytes(100_000)
  const { at, let: go, come } = await held({ headers: fresh, body })
  await using _ = at
  const asking = many(at, 1_000)
  await come(1_000)
  go()
  for (const got of await Promise.all(asking)) isSame(got, body)
  expect(at.origin.seen.length).toBe(1)
}, 60_000)

test('1,000 who ask at once what is stale make one request of it', async () => {
  const body = bytes(10_000)
  const { at, let: go, come } = await held({ headers: { 'cache-control': 'max-age=1', etag: '"1"' }, body })
  await using _ = at
  go()
  await ask(at.url)
  await at.clock.advance(5_000)
  const { promise, resolve } = withResolvers()
  at.origin.answerWith(() => ({ status: 304, headers: fresh, first: () => promise }))
  const asking = many(at, 1_000)
  await come(1_001)
  resolve()
  for (const got of await Promise.all(asking)) isSame(got, body)
  expect(at.origin.seen.length).toBe(2)
}, 60_000)

test('who comes while the body comes gets it from its beginning', async () => {
  const body = bytes(400_000)
  const gates = Array.from({ length: 8 }, () => withResolvers())
  await using at = await scene()
  at.origin.answerWith(() => ({
    headers: fresh,
    body,
    pieces: { bytes: 50_000, before: (sent) => gates[sent / 50_000 - 1]?.promise ?? Promise.resolve() },
  }))
  const asking: Promise<Got>[] = []
  for (const gate of gates) {
    asking.push(ask(at.url))
    await until(() => at.origin.seen.length > 0)
    gate.resolve()
  }
  for (const got of await Promise.all(asking)) isSame(got, body)
  expect(at.origin.seen.length).toBe(1)
})

test('GET and HEAD that ask at once get what is theirs', async () => {
  const body = bytes(5_000)
  const { at, let: go, come } = await held({ headers: fresh, body })
  await using _ = at
  const gets = many(at, 20)
  const heads = many(at, 20, { method: 'HEAD' })
  await come(40)
  go()
  for (const got of await Promise.all(gets)) isSame(got, body)
  for (const got of await Promise.all(heads)) {
    expect([got.status, got.body.length, got.headers['content-length']]).toEqual([200, 0, '5000'])
  }
})

test('a HEAD that came first gives no empty body to who asks for the whole', async () => {
  const body = bytes(5_000)
  const { at, let: go, come } = await held({ headers: fresh, body })
  await using _ = at
  const head = ask(at.url, { method: 'HEAD' })
  await come(1)
  const gets = many(at, 10)
  await come(11)
  go()
  expect((await head).body.length).toBe(0)
  for (const got of await Promise.all(gets)) isSame(got, body)
})

test('ranges and the whole that are asked for at once are each what was asked for', async () => {
  const body = bytes(200_000)
  await using at = await scene()
  at.origin.answerWith(({ headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (from === undefined) return { headers: fresh, body }
    const part = body.subarray(Number(from), Number(to) + 1)
    return { status: 206, headers: { ...fresh, 'content-range': `bytes ${from}-${to}/${body.length}` }, body: part }
  })
  const [whole, parts] = await Promise.all([
    Promise.all(many(at, 10)),
    Promise.all([0, 1_000, 50_000, 100_000].map((from) => ask(at.url, { headers: { range: `bytes=${from}-${from + 999}` } }))),
  ])
  for (const got of whole) isSame(got, body)
  for (const [index, got] of parts.entries()) {
    const from = [0, 1_000, 50_000, 100_000][index] ?? 0
    if (got.status === 206) expect(got.body.equals(body.subarray(from, from + 1_000))).toBe(true)
    else isSame(got, body)
  }
})

describe('what is for one', () => {
  test.each([
    ['private', { 'cache-control': 'private' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['with a cookie', { ...fresh, 'set-cookie': 'a=b' }],
    ['that varies by all', { ...fresh, vary: '*' }],
    ['that says nothing', {}],
  ])('%s goes to nobody else, also to who waited for it', async (_what, headers) => {
    await using at = await scene()
    at.origin.answerWith((_request, count) => ({
      headers,
      body: `for ${count}`,
      first: () => until(() => at.origin.seen.length > 0),
    }))
    const got = await Promise.all(many(at, 30))
    expect(new Set(got.map(({ body }) => body.toString())).size).toBe(30)
    expect(at.origin.seen.length).toBe(30)
  })

  test('after credentials too', async () => {
    await using at = await scene()
    at.origin.answerWith((request) => ({
      headers: fresh,
      body: `for ${request.headers.authorization ?? request.headers.cookie}`,
    }))
    const users = Array.from({ length: 20 }, (_, n) => (n % 2 ? { authorization: `Bearer ${n}` } : { cookie: `id=${n}` }))
    const got = await Promise.all(users.map((headers) => ask(at.url, { headers })))
    expect(got.map(({ body }) => body.toString())).toEqual(users.map((user) => `for ${Object.values(user)[0]}`))
  })

  test('variants go to whom they are for', async () => {
    await using at = await scene()
    at.origin.answerWith((request) => ({
      headers: { ...fresh, vary: 'accept-language' },
      body: `in ${request.headers['accept-language']}`,
    }))
    const languages = Array.from({ length: 60 }, (_, n) => `x${n % 6}`)
    const got = await Promise.all(languages.map((language) => ask(at.url, { headers: { 'accept-language': language } })))
    expect(got.map(({ body }) => body.toString())).toEqual(languages.map((language) => `in ${language}`))
  })
})

describe('who leaves', () => {
  test('the first one: the others get all of it', async () => {
    const body = bytes(300_000)
    const { at, let: go, come } = await held({ headers: fresh, body })
    await using _ = at
    const first = connect({ port: at.port, host: '127.0.0.1' }).on('error', () => {})
    first.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await come(1)
    const others = many(at, 20)
    await come(21)
    first.destroy()
    go()
    for (const got of await Promise.all(others)) isSame(got, body)
    expect(at.origin.seen.length).toBe(1)
  })

  test('the first one, amid the body: the others get all of it', async () => {
    const body = bytes(300_000)
    const gate = withResolvers()
    await using at = await scene()
    at.origin.answerWith(() => ({ headers: fresh, body, pieces: { bytes: 100_000, before: () => gate.promise } }))
    const first = connect({ port: at.port, host: '127.0.0.1' }).on('error', () => {})
    first.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await new Promise((resolve) => first.once('data', resolve))
    const others = many(at, 20)
    await new Promise((resolve) => setTimeout(resolve, 50))
    first.destroy()
    gate.resolve()
    for (const got of await Promise.all(others)) isSame(got, body)
    expect(at.origin.seen.length).toBe(1)
  })

  test('all but one: it gets all of it', async () => {
    const body = bytes(300_000)
    const { at, let: go, come } = await held({ headers: fresh, body })
    await using _ = at
    const one = ask(at.url)
    await come(1)
    const leaving = Array.from({ length: 20 }, () => {
      const socket = connect({ port: at.port, host: '127.0.0.1' }).on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')
      return socket
    })
    await come(21)
    for (const socket of leaving) socket.destroy()
    go()
    isSame(await one, body)
  })

  test('one who reads nothing holds up nobody', async () => {
    const body = bytes(5_000_000)
    const { at, let: go, come } = await held({ headers: fresh, body })
    await using _ = at
    const slow = connect({ port: at.port, host: '127.0.0.1' }).on('error', () => {})
    slow.pause()
    slow.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await come(1)
    const others = many(at, 5)
    await come(6)
    go()
    for (const got of await Promise.all(others)) isSame(got, body)
    slow.destroy()
  })
})

describe('an origin that breaks off', () => {
  test.each([
    ['with a length', false],
    ['without a length', true],
  ])('%s: each sees that it is not whole, and nothing is stored', async (_how, isChunked) => {
    const body = bytes(300_000)
    const { at, let: go, come } = await held({ headers: fresh, body, isChunked, breaksAfter: 150_000 })
    await using _ = at
    const asking = many(at, 10)
    await come(10)
    go()
    for (const got of await Promise.all(asking)) {
      expect(got.isWhole).toBe(false)
      expect(got.body.equals(body.subarray(0, got.body.length))).toBe(true)
    }
    at.origin.answerWith(() => ({ headers: fresh, body }))
    isSame(await ask(at.url), body)
  })

  test('before its head: each gets an error, or asks for itself', async () => {
    const { at, let: go, come } = await held({ breaksAfter: 0 })
    await using _ = at
    const asking = many(at, 10)
    await come(10)
    go()
    for (const got of await Promise.all(asking)) expect(got.status).toBe(502)
    at.origin.answerWith(() => ({ headers: fresh, body: 'well' }))
    isSame(await ask(at.url), 'well')
  })

  test('with an error for all: it is not stored', async () => {
    const { at, let: go, come } = await held({ status: 500, body: 'no' })
    await using _ = at
    const asking = many(at, 10)
    await come(10)
    go()
    for (const got of await Promise.all(asking)) expect(got.status).toBe(500)
    at.origin.answerWith(() => ({ headers: fresh, body: 'well' }))
    isSame(await ask(at.url), 'well')
  })
})

test('what is changed while it is asked for is not stored as it was', async () => {
  const { at, let: go, come } = await held({ headers: fresh, body: 'old' })
  await using _ = at
  const asking = ask(at.url)
  await come(1)
  await until(() => at.origin.seen.length === 1)
  at.origin.answerWith(() => ({ status: 204 }))
  expect((await ask(at.url, { method: 'POST', body: 'new' })).status).toBe(204)
  go()
  isSame(await asking, 'old')
  at.origin.answerWith(() => ({ headers: fresh, body: 'new' }))
  isSame(await ask(at.url), 'new')
})

function bytes(size: number): Buffer {
  const random = seededRandom(size)
  return Buffer.from(Uint8Array.from({ length: size }, () => random() * 256))
}
