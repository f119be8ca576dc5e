import { memoryCacheStore, purgeHandler } from '@gatelet/cache'
import { GatewayError } from '@gatelet/core'
import { bodyJson, call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { put } from '../memory/meta.ts'

const site = 'http://shop.example'
const now = () => ({ requestTimeMs: Date.now(), responseTimeMs: Date.now() })

async function scene(options: { soft?: boolean } = {}) {
  const store = memoryCacheStore({ maxBytes: 1_000_000 })
  await put(store, `${site}/a?x=1`, 'a', { ...now(), tags: ['one'] })
  await put(store, `${site}/b`, 'b', { ...now(), tags: ['one', 'two'] })
  await put(store, `${site}/b`, 'b', { ...now(), variant: 'gzip' })
  await put(store, `${site}/c/d`, 'd', now())
  const handler = purgeHandler(store, { authorize: (ctx) => ctx.request.headers.get('authorization') === 'ok', ...options })
  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) => {
    const answer = await call(handler, {
      method,
      url: `${site}${path}`,
      headers: { authorization: 'ok', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, said: (await bodyJson(answer)) as Record<string, unknown> }
  }
  const left = () => ['/a?x=1', '/b', '/c/d'].filter((path) => store.get(site + path).length > 0)
  return { store, ask, left }
}

describe('a handler that purges', () => {
  test.each<[string, string, Record<string, string>, number, string[]]>([
    ['the URL', '/b', {}, 2, ['/a?x=1', '/c/d']],
    ['the URL with its query', '/a?x=1', {}, 1, ['/b', '/c/d']],
    ['no other query', '/a', {}, 0, ['/a?x=1', '/b', '/c/d']],
    ['what begins with it', '/', { 'purge-scope': 'prefix' }, 4, []],
    ['tags', '/whatever', { 'surrogate-key': 'one two' }, 2, ['/b', '/c/d']],
    ['tags with commas', '/', { 'cache-tag': 'two, three' }, 1, ['/a?x=1', '/b', '/c/d']],
  ])('by PURGE: %s', async (_, path, headers, purged, rest) => {
    const { ask, left } = await scene()
    const { status, said } = await ask('PURGE', path, headers)
    expect([status, said, left()]).toEqual([200, { purged, soft: false }, rest])
  })

  test.each<[string, unknown, number, string[]]>([
    ['an absolute URL', { url: 'HTTP://shop.example:80/x/../b' }, 2, ['/a?x=1', '/c/d']],
    ['paths of the host that was asked', { url: ['/b', '/c/d'] }, 3, ['/a?x=1']],
    ['a prefix', { prefix: '/c/' }, 1, ['/a?x=1', '/b']],
    ['a tag and a URL', { tag: 'one', url: '/c/d' }, 3, ['/b']],
    ['all', { all: true }, 4, []],
  ])('by POST: %s', async (_, body, purged, rest) => {
    const { ask, left } = await scene()
    const { status, said } = await ask('POST', '/purge', {}, body)
    expect([status, said, left()]).toEqual([200, { purged, soft: false }, rest])
  })

  test('purges softly where the request or the option says so', async () => {
    const { ask, store, left } = await scene()
    const softAt = (path: string) => store.get(site + path)[0]?.meta.softPurgedAt
    expect((await ask('PURGE', '/b', { 'soft-purge': '1' })).said).toEqual({ purged: 2, soft: true })
    expect((await ask('POST', '/', {}, { url: '/c/d', soft: true })).said).toEqual({ purged: 1, soft: true })
    expect([softAt('/b'), softAt('/c/d'), softAt('/a?x=1')]).toEqual([expect.any(Number), expect.any(Number), undefined])
    expect(left().length).toBe(3)
    const soft = await scene({ soft: true })
    expect((await soft.ask('PURGE', '/b')).said).toEqual({ purged: 2, soft: true })
    expect((await soft.ask('PURGE', '/b', { 'soft-purge': '0' })).said).toEqual({ purged: 2, soft: false })
  })

  test('refuses whoever is not allowed to, and purges nothing', async () => {
    const { ask, left } = await scene()
    const { status, headers, said } = await ask('PURGE', '/b', { authorization: 'no' })
    expect([status, headers.get('content-type'), said['code']]).toEqual([403, 'application/problem+json', 'FORBIDDEN'])
    expect((await ask('POST', '/', { authorization: 'no' }, { all: true })).status).toBe(403)
    expect(left().length).toBe(3)
  })

  test('asks for a principal where it is to go by one, also of programs without types', async () => {
    const store = memoryCacheStore({ maxBytes: 1_000_000 })
    const handler = purgeHandler(store, { authorize: 'principal' })
    const answer = await call(handler as never, { method: 'PURGE', url: `${site}/` })
    expect(answer.status).toBe(401)
    const behind = await call((ctx) => handler(ctx.with({ principal: { subject: 'ada' } })), { method: 'PURGE', url: `${site}/` })
    expect(behind.status).toBe(200)
  })

  test.each<[string, string, Record<string, string>, unknown, RegExp]>([
    ['PURGE', '/', { 'soft-purge': 'yes' }, undefined, /Soft-Purge is 0 or 1/],
    ['PURGE', '/', { 'purge-scope': 'all' }, undefined, /Purge-Scope is prefix/],
    ['POST', '/', {}, '{', /JSON object/],
    ['POST', '/', {}, [], /JSON object/],
    ['POST', '/', {}, {}, /say what/],
    ['POST', '/', {}, { urls: ['/'] }, /"urls" is not known/],
    ['POST', '/', {}, { url: 1 }, /url is a text/],
    ['POST', '/', {}, { prefix: '' }, /prefix is a text/],
    ['POST', '/', {}, { all: false }, /all is true/],
    ['POST', '/', {}, { all: true, soft: 1 }, /soft is true or false/],
    ['POST', '/', {}, { tag: Array(1_001).fill('x') }, /at most 1000/],
  ])('says what is wrong with %s %s %j %j', async (method, path, headers, body, detail) => {
    const { ask, left } = await scene()
    const { status, said } = await ask(method, path, headers, body)
    expect([status, said['detail']]).toEqual([400, expect.stringMatching(detail)])
    expect(left().length).toBe(3)
  })

  test('takes no other method, and no endless body', async () => {
    const { ask } = await scene()
    const { status, headers } = await ask('GET', '/')
    expect([status, headers.get('allow')]).toEqual([405, 'POST, PURGE'])
    expect((await ask('POST', '/', {}, `"${'x'.repeat(1_100_000)}"`)).status).toBe(413)
  })

  test('tells a client that the store is away', async () => {
    const purge = () => Promise.reject(new GatewayError('STORE_UNAVAILABLE'))
    const answer = await call(purgeHandler({ purge }, { authorize: () => true }), { method: 'PURGE', url: `${site}/` })
    expect(answer.status).toBe(503)
  })

  test.each<[string, unknown, unknown, RegExp]>([
    ['nothing that guards it', {}, {}, /authorize must be a function that says who may purge, or 'principal'/],
    ['a guard that is none', {}, { authorize: true }, /authorize must be/],
    ['soft', {}, { authorize: 'principal', soft: 'yes' }, /soft must be/],
    ['policy', {}, { authorize: 'principal', policy: { keepMs: -1 } }, /policy.keepMs must be/],
    ['control', { purge: 1 }, { authorize: 'principal' }, /control must be a cache or a store/],
  ])('does not start with %s', (_, control, options, message) => {
    const right = memoryCacheStore({ maxBytes: 1_000_000 })
    expect(() => purgeHandler({ purge: right.purge.bind(right), ...(control as object) }, options as never)).toThrow(message)
  })
})
