import { text } from '@gatelet/core'
import { conflictText, createRouter, type RouteSpec, RouteTable } from '@gatelet/router'
import { describe, expect, test } from 'vitest'

type Place = Omit<RouteSpec<number>, 'data'>
const conflictsOf = (...places: Place[]) => RouteTable.build(places.map((place, data) => ({ ...place, data }))).conflicts()

describe('overlap without one being a case of the other', () => {
  test.each<[one: Place, other: Place, wins: string, decidedBy: string]>([
    [{ path: '/:x/b' }, { path: '/a/:y' }, 'any /a/:y', 'path'],
    [{ path: '/a/*rest' }, { path: '/:x/b' }, 'any /a/*rest', 'path'],
    [{ path: '/a', method: ['GET', 'POST'] }, { path: '/a', method: ['PUT', 'HEAD'] }, 'PUT,HEAD /a', 'method'],
    [{ path: '/:x', method: 'GET' }, { path: '/a' }, 'any /a', 'path'],
    [{ path: '/a', headers: { v: '1' } }, { path: '/a', headers: { w: '1' } }, 'any /a (header v: 1)', 'order'],
    [
      { path: '/a', headers: { v: '1' } },
      { path: '/a', headers: { w: '1', x: '1' } },
      'any /a (header w: 1, header x: 1)',
      'headers',
    ],
    [{ path: '/a', query: { v: '1' } }, { path: '/a', headers: { w: '1' } }, 'any /a (header w: 1)', 'headers'],
    [
      { path: '/a', query: { v: '1' } },
      { path: '/a', query: { w: '1' }, priority: 2 },
      'any /a (query w: 1, priority 2)',
      'priority',
    ],
    [{ path: '/a', tenant: 'x' }, { path: '/a', method: 'GET' }, 'any /a (tenant: x)', 'tenant'],
    [{ path: '/a', headers: { v: ['1', '2'] } }, { path: '/a', headers: { v: ['2', '3'] } }, 'any /a (header v: 1|2)', 'order'],
    [{ path: '/:x', where: { x: /a.*/ } }, { path: '/:y', where: { y: '*b' } }, 'any /:x (x: /a.*/)', 'order'],
  ])('%j and %j', (one, other, wins, decidedBy) => {
    const found = conflictsOf(one, other)
    expect(found).toMatchObject([{ kind: 'overlap', wins, decidedBy }])
  })
})

describe('no conflict', () => {
  test.each<[one: Place, other: Place]>([
    [{ path: '/a/*' }, { path: '/a/b' }],
    [{ path: '/:x' }, { path: '/a' }],
    [{ path: '/a' }, { path: '/b' }],
    [{ path: '/:x/a' }, { path: '/:y/b' }],
    [{ path: '/a/' }, { path: '/a' }],
    [{ path: '/a' }, { path: '/a', method: 'GET' }],
    [
      { path: '/a', method: 'GET' },
      { path: '/a', method: 'HEAD' },
    ],
    [
      { path: '/a', method: 'GET' },
      { path: '/:x', method: 'POST' },
    ],
    [{ path: '/*' }, { path: '/a', host: 'a.test' }],
    [
      { path: '/a', host: '*.test' },
      { path: '/:x', host: 'a.test' },
    ],
    [
      { path: '/:x', where: { x: 'int' } },
      { path: '/:y', where: { y: 'slug' } },
    ],
    [{ path: '/:x', where: { x: 'int' } }, { path: '/a' }],
    [
      { path: '/:x', where: { x: 'int' } },
      { path: '/:y/b', where: { y: 'uuid' } },
    ],
    [
      { path: '/a', headers: { v: '1' } },
      { path: '/a', headers: { v: '2' } },
    ],
    [
      { path: '/a', headers: { v: '1' } },
      { path: '/a', headers: { v: '1', w: '2' } },
    ],
    [{ path: '/a', headers: { v: '1' } }, { path: '/a' }],
    [
      { path: '/a', tenant: ['x', 'y'] },
      { path: '/a', tenant: 'z' },
    ],
  ])('between %j and %j', (one, other) => {
    expect(conflictsOf(one, other)).toEqual([])
    expect(conflictsOf(other, one)).toEqual([])
  })
})

test('a route that never answers is told as shadowed', () => {
  expect(conflictsOf({ path: '/a', headers: { v: true } }, { path: '/a', headers: { v: '1' } })).toEqual([
    { kind: 'shadowed', wins: 'any /a (header v)', loses: 'any /a (header v: 1)', decidedBy: 'order' },
  ])
  expect(conflictsOf({ path: '/a' }, { path: '/a', priority: 1 })).toMatchObject([
    { kind: 'shadowed', wins: 'any /a (priority 1)', loses: 'any /a', decidedBy: 'priority' },
  ])
})

test('functions of the user are not called to find out', () => {
  const never = () => {
    throw new Error('called')
  }
  expect(
    conflictsOf(
      { path: '/:x', where: { x: never } },
      { path: '/a' },
      { path: '/:y', where: { y: ['a'] } },
      { path: '/a', headers: { v: never } },
    ),
  ).toEqual([])
})

test('a table of many routes is looked through without comparing all with all', () => {
  const places = Array.from({ length: 5_000 }, (_, at) => ({ path: `/v1/things-${at}/:id/parts/:part`, method: 'GET' }))
  expect(conflictsOf(...places, { path: '/v1/:kind/7/parts/:part' })).toHaveLength(5_000)
})

describe('strict', () => {
  test('refuses a conflict when the route is added, and names both', () => {
    const router = createRouter({ strict: true }).get('/a/:x', () => text('x'))
    const add = () => router.get('/:y/b', () => text('y'))
    const message =
      'router.get: path conflicts: GET /a/:x and GET /:y/b overlap, and neither is a case of the other; the first would win because of its path'
    expect(add).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'path', message }))
    // The refused one has left nothing behind.
    expect(add).toThrow(message)
    expect(router.get('/b/c', () => text('y')).conflicts()).toEqual([])
  })

  test('refuses what is shadowed', () => {
    const build = () =>
      RouteTable.build(
        [
          { path: '/a', query: { q: true }, data: 0 },
          { path: '/a', query: { q: '1' }, data: 1 },
        ],
        { strict: true },
      )
    expect(build).toThrow(
      'routes[1].path conflicts: any /a (query q: 1) never answers, since any /a (query q) takes all of it before',
    )
  })

  test('is off unless asked for', () => {
    const router = createRouter()
      .get('/a/:x', () => text('x'))
      .get('/:y/b', () => text('y'))
    expect(router.conflicts().map(conflictText)).toEqual([expect.stringContaining('overlap')])
  })
})
