import { GatewayError, HeaderList } from '@gatelet/core'
import { type Conditions, type RouteOptions, RouteTable } from '@gatelet/router'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { queryValue } from '../../src/match/conditions.ts'

const untyped = <T>(value: unknown): T => value as T

function isTaken(options: Partial<RouteOptions>, asked: { headers?: [string, string][]; search?: string }): boolean {
  const table = RouteTable.build([{ path: '/a', data: 0, ...options }])
  const { headers, search = '' } = asked
  const request = { method: 'GET', url: { host: '', path: '/a', search }, ...(headers && { headers: new HeaderList(headers) }) }
  return table.find(request).kind === 'hit'
}

test.each<[conditions: Conditions, headers: [string, string][], taken: boolean]>([
  [{ v: '1' }, [['v', '1']], true],
  [{ v: '1' }, [['V', '1']], true],
  [{ V: '1' }, [['v', '1']], true],
  [{ v: 'a' }, [['v', 'A']], false],
  [{ v: '1' }, [['v', '12']], false],
  [{ v: '1' }, [], false],
  [
    { v: '1, 2' },
    [
      ['v', '1'],
      ['v', '2'],
    ],
    true,
  ],
  [
    { v: '1' },
    [
      ['v', '1'],
      ['v', '2'],
    ],
    false,
  ],
  [{ v: '' }, [['v', '']], true],
  [{ v: '' }, [], false],
  [{ v: ['1', '2'] }, [['v', '2']], true],
  [{ v: ['1', '2'] }, [['v', '3']], false],
  [{ v: true }, [['v', '']], true],
  [{ v: true }, [], false],
  [{ v: /\d+/ }, [['v', '12']], true],
  [{ v: /\d+/ }, [['v', '12a']], false],
  [{ v: /v[1-3]/i }, [['v', 'V2']], true],
  [{ v: (value) => value.includes('Mobile') }, [['v', 'a Mobile b']], true],
  [{ v: (value) => value.includes('Mobile') }, [['v', 'a']], false],
  [
    { v: '1', w: '2' },
    [
      ['w', '2'],
      ['v', '1'],
    ],
    true,
  ],
  [{ v: '1', w: '2' }, [['v', '1']], false],
  [untyped<Conditions>({ constructor: true }), [], false],
])('headers %j take %j: %j', (headers, sent, taken) => {
  expect(isTaken({ headers }, { headers: sent })).toBe(taken)
})

test.each<[conditions: Conditions, search: string, taken: boolean]>([
  [{ q: '1' }, '?q=1', true],
  [{ q: '1' }, '?a=0&q=1&b', true],
  [{ q: '1' }, '?Q=1', false],
  [{ q: '1' }, '?q=1&q=2', true],
  [{ q: '2' }, '?q=1&q=2', false],
  [{ q: '1' }, '?qq=1', false],
  [{ q: '1' }, '', false],
  [{ q: true }, '?q', true],
  [{ q: '' }, '?q&', true],
  [{ q: 'a b' }, '?q=a+b', true],
  [{ q: 'a b' }, '?q=a%20b', true],
  [{ q: '1' }, '?%71=1', true],
  [{ q: 'a=b' }, '?q=a=b', true],
  [{ 'q&': '1' }, '?q%26=1', true],
  [{ q: ['1', '2'] }, '?q=2', true],
  [{ q: /\w+/ }, '?q=%2F', false],
])('the query %j takes %j: %j', (query, search, taken) => {
  expect(isTaken({ query }, { search })).toBe(taken)
})

test('where a table is asked without headers and query, no condition holds', () => {
  const table = RouteTable.build([
    { path: '/a', headers: { v: true }, data: 0 },
    { path: '/b', query: { v: true }, data: 0 },
  ])
  expect(table.find({ method: 'GET', url: { host: '', path: '/a' } })).toEqual({ kind: 'miss', vary: ['v'] })
  expect(table.find({ method: 'GET', url: { host: '', path: '/b' } })).toEqual({ kind: 'miss' })
})

test('a query is read as the platform reads it', () => {
  const text = fc.stringMatching(/^[ab=&%+2F;?]{0,14}$/)
  const name = fc.stringMatching(/^[ab=&+;?]{0,2}$/)
  fc.assert(
    fc.property(text, name, (search, name) => {
      expect(queryValue(`?${search}`, name)).toBe(new URLSearchParams(`?${search}`).get(name) ?? undefined)
    }),
    { numRuns: 10_000, seed: 20_261_124 },
  )
  expect(queryValue('', 'a')).toBeUndefined()
})

describe('conditions that are not right are refused', () => {
  test.each<[options: object, field: string, right: string]>([
    [{ headers: [] }, 'headers', 'headers must be an object'],
    [{ headers: { 'a b': '1' } }, 'headers.a b', 'must be a name of letters'],
    [{ headers: { v: '1', V: '2' } }, 'headers.V', 'must be another header than v, since case plays no part'],
    [{ headers: { v: ' 1' } }, 'headers.v', 'without spaces around and control characters'],
    [{ headers: { v: ['1', '1\n'] } }, 'headers.v', 'without spaces around and control characters'],
    [{ headers: { v: false } }, 'headers.v', 'must be a text, a list of texts, true, a RegExp or a function (got false)'],
    [{ headers: { v: [] } }, 'headers.v', 'a list of at least 1'],
    [{ headers: { v: [1] } }, 'headers.v[0]', 'must be a text (got 1)'],
    [{ headers: { v: /(a+)+/ } }, 'headers.v', 'a RegExp in which no repeat can also take the beginning of what follows it'],
    [{ query: { v: /\ba/ } }, 'query.v', 'a RegExp without \\b and \\B, so that its time grows no faster than the text'],
    [{ query: 'a=b' }, 'query', 'query must be an object'],
  ])('%j', (options, field, right) => {
    const build = () => RouteTable.build([{ path: '/a', data: 0, ...untyped<object>(options) }])
    expect(build).toThrow(GatewayError)
    expect(build).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: `routes[0].${field}` }))
    expect(build).toThrow(right)
  })
})

test.each([
  ['long', `?${'a=1&'.repeat(1_000)}k9=1`],
  ['encoded', '?%61=1&k9=%31'],
])('a query that is %s is read once, however many routes ask about it', (_, search) => {
  const routes = Array.from({ length: 50 }, (_, at) => ({ path: '/a', query: { [`k${at}`]: '1' }, data: at }))
  const table = RouteTable.build(routes)
  const read = vi.spyOn(URLSearchParams.prototype, Symbol.iterator)
  expect(table.find({ method: 'GET', url: { host: '', path: '/a', search } })).toMatchObject({ kind: 'hit', data: 9 })
  expect(read).toHaveBeenCalledTimes(1)
})

test('a function that answers with a promise is refused when it is asked, and what it rejects with ends nothing', async () => {
  const late = vi.fn(async () => {
    throw new Error('late')
  })
  for (const conditions of [{ headers: { v: untyped<true>(late) } }, { query: { v: untyped<true>(late) } }]) {
    const asked = () => isTaken(conditions, { headers: [['v', '1']], search: '?v=1' })
    expect(asked).toThrow(expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('at once') }))
  }
  expect(late).toHaveBeenCalledTimes(2)
  // Vitest fails a run in which a rejection was not handled.
  await new Promise(setImmediate)
})
