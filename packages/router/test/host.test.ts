import { text } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

const says = (words: string) => () => text(words)
const answer = async (...asked: Parameters<typeof call>) => {
  const reply = await call(...asked)
  return reply.status === 200 ? reply.text() : reply.status
}

test('routes of a host go before routes without one, and leave the others to them', async () => {
  const router = createRouter((r) => {
    r.get('/a', says('any host')).get('/b', says('any host'))
    r.host('api.example.com', (api) => api.get('/a', says('api')).post('/only', says('api')))
    r.host('*.example.com', (any) => any.mount('/a', says('wildcard')))
  })
  expect(await answer(router, 'http://api.example.com/a')).toBe('api')
  expect(await answer(router, 'http://www.example.com/a')).toBe('wildcard')
  expect(await answer(router, 'http://api.example.com/a/x')).toBe('wildcard')
  expect(await answer(router, 'http://api.example.com/b')).toBe('any host')
  expect(await answer(router, 'http://example.com/a')).toBe('any host')
  expect(await answer(router, 'http://api.example.com/only')).toBe(405)
  expect(await answer(router, 'http://other.test/only')).toBe(404)
})

test('case, port and a trailing dot of the Host header play no part', async () => {
  const router = createRouter().route({ host: 'API.Example.com.', path: '/' }, says('api'))
  expect(await answer(router, 'http://api.EXAMPLE.com:8080/')).toBe('api')
  expect(await answer(router, 'https://api.example.com./')).toBe('api')
})

test('an international name matches the form that clients send', async () => {
  const router = createRouter().host('*.bücher.example', (r) => r.get('/', says('books')))
  expect(await answer(router, 'http://www.xn--bcher-kva.example/')).toBe('books')
})

test('an IPv6 address matches in each of its spellings', async () => {
  const router = createRouter().host('[::1]', (r) => r.get('/', says('loopback')))
  expect(await answer(router, { url: '/', headers: { host: '[0:0:0:0:0:0:0:1]:8080' } })).toBe('loopback')
})

test('a name that only begins or ends like a host is another host', async () => {
  const router = createRouter().host('api.example.com', (r) => r.get('/', says('api')))
  const other = createRouter().host('*.example.com', (r) => r.get('/', says('below')))
  for (const host of ['xapi.example.com', 'api.example.com.evil.test', 'api.example.co', 'example.com']) {
    expect(await answer(router, `http://${host}/`)).toBe(404)
  }
  for (const host of ['evilexample.com', 'a.example.com.evil.test', 'example.com']) {
    expect(await answer(other, `http://${host}/`)).toBe(404)
  }
})

test('a request without a host takes the routes without one', async () => {
  const router = createRouter()
    .get('/', says('any'))
    .host('*.test', (r) => r.get('/', says('host')))
  expect(await answer((ctx) => router(ctx.withRequest({ url: { host: '' } })), 'http://a.test/')).toBe('any')
})
