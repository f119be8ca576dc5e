import { empty, GatewayError, json, lengthOf, problem, problemOf, type Reply, text } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { thrown } from './thrown.ts'

const shown = ({ status, headers, body }: Reply) => [status, headers.raw, body]

describe('constructors', () => {
  test.each<[string, Reply, unknown[]]>([
    ['text', text('é'), [200, ['content-type', 'text/plain; charset=utf-8'], 'é']],
    ['text with a status', text('no', 403), [403, ['content-type', 'text/plain; charset=utf-8'], 'no']],
    [
      'text of another type',
      text('<p>', { headers: { 'Content-Type': 'text/html' } }),
      [200, ['Content-Type', 'text/html'], '<p>'],
    ],
    ['json', json({ a: [1, null] }), [200, ['content-type', 'application/json'], '{"a":[1,null]}']],
    [
      'json with both',
      json('x', { status: 201, headers: { etag: '"1"' } }),
      [201, ['etag', '"1"', 'content-type', 'application/json'], '"x"'],
    ],
    ['empty', empty(), [204, [], null]],
    ['empty with a status', empty(304), [304, [], null]],
    ['empty with headers', empty({ headers: { allow: 'GET' } }), [204, ['allow', 'GET'], null]],
  ])('%s', (_, reply, expected) => {
    expect(shown(reply)).toEqual(expected)
  })

  test('the length of a text is its bytes', () => {
    expect(lengthOf(text('é').body)).toBe(2)
  })

  test('each has a list of headers of its own', () => {
    const init = { headers: { a: '1' } }
    text('x', init).headers.set('a', '2')
    expect(text('x', init).headers.get('a')).toBe('1')
  })

  test('json refuses what JSON cannot say', () => {
    for (const value of [undefined, () => 1, Symbol('x'), 1n]) expect(() => json(value)).toThrow(TypeError)
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(() => json(circle)).toThrow(TypeError)
  })

  test('a header with a line break is refused', () => {
    expect(thrown(() => text('x', { headers: { location: '/\r\nset-cookie: a' } })).code).toBe('BAD_HEADER')
  })
})

describe('problem', () => {
  const members = ({ body }: Reply) => JSON.parse(String(body))

  test('of a GatewayError tells its code, title and detail', () => {
    const reply = problem(new GatewayError('BAD_TARGET', { detail: 'The path has a backslash' }))
    expect(reply.status).toBe(400)
    expect(reply.headers.raw).toEqual(['content-type', 'application/problem+json', 'cache-control', 'no-store'])
    expect(members(reply)).toEqual({
      title: 'The request target is not acceptable',
      status: 400,
      code: 'BAD_TARGET',
      detail: 'The path has a backslash',
    })
  })

  test('tells nothing of its message, path, cause and stack', () => {
    const cause = new Error('connect ECONNREFUSED secret.internal:5432')
    const error = new GatewayError('UPSTREAM_CONNECT_FAILED', { message: 'secret.internal refused', path: 'secret.path', cause })
    const reply = problem(error)
    expect(Object.keys(members(reply))).toEqual(['title', 'status', 'code'])
    expect(JSON.stringify([reply.body, reply.headers.raw])).not.toContain('secret')
  })

  test('takes the headers of the error', () => {
    const reply = problem(new GatewayError('METHOD_NOT_ALLOWED', { headers: { Allow: 'GET, HEAD' } }))
    expect(reply.headers.get('allow')).toBe('GET, HEAD')
  })

  test('of your own has the members of RFC 9457, and more', () => {
    const reply = problem({
      status: 422,
      title: 'Not enough credit',
      type: 'https://example.com/credit',
      detail: 'It costs 50',
      headers: { 'Cache-Control': 'max-age=5' },
      more: { balance: 30, code: 'CREDIT' },
    })
    expect(reply.status).toBe(422)
    expect(reply.headers.get('cache-control')).toBe('max-age=5')
    expect(members(reply)).toEqual({
      type: 'https://example.com/credit',
      title: 'Not enough credit',
      status: 422,
      detail: 'It costs 50',
      balance: 30,
      code: 'CREDIT',
    })
  })

  test('leaves out what was not given', () => {
    expect(members(problem({ status: 404, title: 'Nothing' }))).toEqual({ title: 'Nothing', status: 404 })
  })
})

test('a reply of an error knows which one, and others know none', () => {
  const error = new GatewayError('NO_ENDPOINT', { message: 'all at 10.0.0.1 are down' })
  expect(problemOf(problem(error))).toBe(error)
  expect(problemOf(problem({ status: 503, title: 'Closed' }))).toBe(undefined)
  expect(problemOf(text('x', 503))).toBe(undefined)
})
