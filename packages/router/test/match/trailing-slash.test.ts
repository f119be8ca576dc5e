import { json, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter, stripPrefix } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const says = (words: string) => () => text(words)
const asked = async (...args: Parameters<typeof call>) => {
  const reply = await call(...args)
  return reply.status === 308 ? `308 ${reply.headers.get('location')}` : reply.status === 200 ? reply.text() : reply.status
}

test('strict is the default: two paths', async () => {
  const router = createRouter().get('/users', says('users')).get('/teams/', says('teams'))
  expect(await Promise.all(['/users', '/users/', '/teams', '/teams/'].map((path) => asked(router, path)))).toEqual([
    'users',
    404,
    404,
    'teams',
  ])
})

test('ignore takes both, and leaves the path as it came', async () => {
  const router = createRouter({ trailingSlash: 'ignore' })
    .get('/users/:id', ({ state, request }) => json([state.params.id, request.url.path]))
    .get('/teams/', says('teams'))
    .any('/*rest', says('rest'))
  expect(await asked(router, '/users/7/')).toBe('["7","/users/7/"]')
  expect(await asked(router, '/teams')).toBe('teams')
  expect(await asked(router, '/users/7//', { paths: { doubleSlash: true } } as never).catch(() => 'refused')).toBe('refused')
})

test('a route that has just this path goes first, and then the method counts', async () => {
  const router = createRouter({ trailingSlash: 'ignore' })
    .get('/a', says('without'))
    .route({ method: 'GET', path: '/a/', trailingSlash: 'strict' }, says('with'))
    .post('/a', says('post'))
  expect(await asked(router, '/a')).toBe('without')
  expect(await asked(router, '/a/')).toBe('with')
  expect(await asked(router, 'POST /a/')).toBe('post')
  const refused = await call(router, 'PUT /a/')
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST'])
})

describe('redirect', () => {
  const router = createRouter({ trailingSlash: 'redirect' })
    .get('/users', says('users'))
    .post('/users/:id/', says('user'))
    .get('/', says('root'))
    .mount('/v1', stripPrefix(), createRouter({ trailingSlash: 'redirect' }).get('/x', says('x')).get('/y/', says('y')))
    .route({ path: '/strict', trailingSlash: 'strict' }, says('strict'))

  test.each([
    ['/users/', '308 ../users'],
    ['/users/?a=1&b=%2F', '308 ../users?a=1&b=%2F'],
    ['HEAD /users/', '308 ../users'],
    ['POST /users/7', '308 ./7/'],
    ['POST /users/a:b?x', '308 ./a:b/?x'],
    ['/v1/x/', '308 ../x'],
    ['/v1/y', '308 ./y/'],
    ['POST /users/', 405],
    ['/strict/', 404],
    ['/', 'root'],
  ])('%s is answered %s', async (request, answer) => {
    expect(await asked(router, request)).toBe(answer)
  })

  test('leads where it should, with the method kept, and never to another host', async () => {
    await using server = await serve(router, { host: '127.0.0.1', port: 0, paths: { doubleSlash: true } })
    const origin = server.url
    const followed = await fetch(`${origin}/v1/x/?q=1`)
    expect([followed.status, followed.url, await followed.text()]).toEqual([200, `${origin}/v1/x?q=1`, 'x'])
    expect(await (await fetch(`${origin}/users/7`, { method: 'POST' })).text()).toBe('user')
    for (const path of ['//evil.test', '//evil.test/', '//evil.test/users/', '/v1//evil.test/x/']) {
      const reply = await fetch(`${origin}${path}`, { redirect: 'manual' })
      expect(reply.headers.get('location')).toBeNull()
    }
  })
})

test('a pattern whose parameter takes what looks like a host still leads to the same host', async () => {
  const router = createRouter({ trailingSlash: 'redirect' }).get('/:page/', says('page')).get('/:page/:sub', says('sub'))
  expect(await asked(router, '/evil.test')).toBe('308 ./evil.test/')
  expect(await asked(router, '/a/b/')).toBe('308 ../b')
})
