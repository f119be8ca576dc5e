import { GatewayError, json, text } from '@gatelet/core'
import { createRouter, type ParamRule, RouteTable } from '@gatelet/router'
import { call } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { glob } from '../../src/match/matcher.ts'

const untyped = <T>(value: unknown): T => value as T

function captured(rule: ParamRule, segment: string, path = '/:x'): unknown {
  const match = RouteTable.build([{ path, where: { x: rule }, data: 0 }]).find({
    method: 'GET',
    url: { host: '', path: `/${segment}` },
  })
  return match.kind === 'hit' ? match.params['x'] : match.kind
}

test.each<[rule: ParamRule, segment: string, value: unknown]>([
  ['int', '7', 7],
  ['int', '0', 0],
  ['int', '-12', -12],
  ['int', '9007199254740991', 9007199254740991],
  ['int', '9007199254740992', 'miss'],
  ['int', '-9007199254740992', 'miss'],
  ['int', '99999999999999999999', 'miss'],
  ['int', '07', 'miss'],
  ['int', '-0', 'miss'],
  ['int', '+7', 'miss'],
  ['int', '7.0', 'miss'],
  ['int', '1e3', 'miss'],
  ['int', '0x7', 'miss'],
  ['int', '%207', 'miss'],
  ['int', '7%0A', 'miss'],
  ['int', '٧', 'miss'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
  ['uuid', '123E4567-E89B-12D3-A456-426614174000', '123E4567-E89B-12D3-A456-426614174000'],
  ['uuid', '123e4567e89b12d3a456426614174000', 'miss'],
  ['uuid', '123e4567-e89b-12d3-a456-42661417400g', 'miss'],
  ['slug', 'my-1st-post', 'my-1st-post'],
  ['slug', 'My-post', 'miss'],
  ['slug', 'my--post', 'miss'],
  ['slug', '-my', 'miss'],
  [['de', 'pt/br', 'é'], 'de', 'de'],
  [['de', 'pt/br', 'é'], 'pt%2Fbr', 'pt/br'],
  [['de', 'pt/br', 'é'], '%C3%A9', 'é'],
  [['de'], 'DE', 'miss'],
  [['de'], '%FF', 'miss'],
  ['*.png', 'a.png', 'a.png'],
  ['*.png', '.png', '.png'],
  ['*.png', 'a.png.txt', 'miss'],
  ['a*b*c', 'abc', 'abc'],
  ['a*b*c', 'ac', 'miss'],
  ['a*a', 'a', 'miss'],
  [/v\d+/, 'v12', 'v12'],
  [/v\d+/, 'xv12', 'miss'],
  [/v\d+/, 'v12x', 'miss'],
  [/a|b/, 'b', 'b'],
  [/a b/, 'a%20b', 'a b'],
  [(value) => value.length === 2, 'ab', 'ab'],
  [(value) => value.length === 2, '%20b', ' b'],
  [(value) => value.length === 2, 'abc', 'miss'],
  [untyped<ParamRule>(() => 1), 'a', 'miss'],
])('the rule %s makes %s to %j', (rule, segment, value) => {
  expect(captured(rule, segment)).toEqual(value)
})

test.each<[rule: ParamRule, path: string, value: unknown]>([
  ['*.png', 'a/b.png', 'a/b.png'],
  ['*.png', 'a/b.txt', 'miss'],
  [['a/b'], 'a/b', 'a/b'],
  [['a/b'], '', 'miss'],
  ['int', '7', 7],
  [/[a-z/]+/, 'a/b', 'a/b'],
  [/[a-z]+/, 'a/b', 'miss'],
  ['*', '%FF', 'miss'],
])('the rule %s makes the rest %s to %j', (rule, path, value) => {
  expect(captured(rule, path, '/*x')).toEqual(value)
})

test('a text with stars matches what the pattern with .* matches', () => {
  const letters = fc.stringMatching(/^[ab]{0,8}$/)
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*]{0,6}$/), letters, (pattern, value) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value)
      expect(glob(`*${pattern}`).accepts(value)).toBe(new RegExp(`^.*${pattern.replaceAll('*', '.*')}$`).test(value))
      if (pattern.includes('*')) expect(glob(pattern).accepts(value)).toBe(expected)
    }),
    { numRuns: 5_000, seed: 20_261_124 },
  )
})

test('several rules on one place are asked by kind, whatever the order of the routes, then the one without', () => {
  const routes = [
    { path: '/:any', data: 'any' },
    { path: '/:fn', where: { fn: (value: string) => value.startsWith('a') }, data: 'function' },
    { path: '/:re', where: { re: /[a-c]+/ }, data: 'pattern' },
    { path: '/:slug', where: { slug: 'slug' }, data: 'slug' },
    { path: '/:id', where: { id: 'int' }, data: 'int' },
    { path: '/:lang', where: { lang: ['de', '7'] }, data: 'list' },
    { path: '/static', data: 'static' },
  ] as const
  for (const each of [routes, routes.toReversed()]) {
    const table = RouteTable.build(each)
    const found = (path: string) => {
      const match = table.find({ method: 'GET', url: { host: '', path } })
      return match.kind === 'hit' && match.data
    }
    expect(['/static', '/7', '/8', '/abc', '/ABC', '/a~', '/X'].map(found)).toEqual([
      'static',
      'list',
      'int',
      'slug',
      'any',
      'function',
      'any',
    ])
    expect(table.conflicts()).toEqual([])
  }
})

test('a way behind a rule that leads nowhere is left for the next one', () => {
  const table = RouteTable.build([
    { path: '/:id/bills', where: { id: 'int' }, data: 'bills' },
    { path: '/:name/files', data: 'files' },
  ])
  expect(table.find({ method: 'GET', url: { host: '', path: '/7/files' } })).toMatchObject({
    data: 'files',
    params: { name: '7' },
  })
})

test('a number is a number in the handler, also of the router around', async () => {
  const router = createRouter().route(
    { path: '/teams/:team/*', where: { team: 'int' } },
    createRouter<{ params: { team: number } }>().get('/:name', ({ state }) => json([state.params.team + 1, state.params.name])),
  )
  expect(await (await call(router, '/teams/7/x')).json()).toEqual([8, 'x'])
  expect((await call(router, '/teams/x/x')).status).toBe(404)
})

test('a rule may be for a parameter that objects have by themselves, and is for no other', async () => {
  const router = createRouter().route({ path: '/:constructor/:toString', where: { toString: 'int' } }, () => text('x'))
  expect((await call(router, '/a/7')).status).toBe(200)
  expect((await call(router, '/a/b')).status).toBe(404)
})

describe('a rule that is not right is refused', () => {
  test.each<[where: unknown, field: string, right: string]>([
    [
      { x: 'number' },
      'where.x',
      'must be "int", "uuid", "slug", a text with *, a list of values, a RegExp or a function (got "number")',
    ],
    [{ x: [] }, 'where.x', 'a list of at least 1'],
    [{ x: [''] }, 'where.x[0]', 'a string that is not empty'],
    [{ x: /(a|a)*/ }, 'where.x', 'a RegExp whose alternatives begin with different characters, so that its time grows no faster'],
    [{ x: /a/g }, 'where.x', 'a RegExp with no flags, or with i or u alone'],
    [{ y: 'int' }, 'where.y', 'where.y is not in /:x, which has x'],
    ['int', 'where', 'where must be an object'],
  ])('%j', (where, field, right) => {
    const add = () => createRouter().route({ path: '/:x', where: untyped<{}>(where) }, () => text('x'))
    expect(add).toThrow(GatewayError)
    expect(add).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: field }))
    expect(add).toThrow(right)
    expect(add).toThrow(/^router\.route: /)
  })
})

test('routes that differ in nothing but the spelling of a rule are refused', () => {
  const routes = (one: ParamRule, other: ParamRule) => () =>
    RouteTable.build([
      { path: '/:x', where: { x: one }, data: 0 },
      { path: '/:y', where: { y: other }, data: 1 },
    ])
  expect(routes(['a', 'b'], ['b', 'a', 'a'])).toThrow('any /:y (y: b|a) matches the same requests as any /:x (x: a|b)')
  expect(routes(/a+/, /a+/)).toThrow('matches the same requests')
  expect(routes('int', 'int')).toThrow('matches the same requests')
  expect(routes('int', 'slug')).not.toThrow()
})
