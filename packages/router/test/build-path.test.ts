import { canonicalizePath, GatewayError } from '@gatelet/core'
import { pathBuilder, pathOf, RouteTable } from '@gatelet/router'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const untyped = <T>(value: unknown): T => value as T

test.each<[pattern: string, params: Record<string, string | number>, path: string]>([
  ['/', {}, '/'],
  ['/users', {}, '/users'],
  ['/users/', {}, '/users/'],
  ['/users/:id', { id: 'ann' }, '/users/ann'],
  ['/users/:id', { id: 7 }, '/users/7'],
  ['/users/:id', { id: 'a/b' }, '/users/a%2Fb'],
  ['/users/:id', { id: 'a b?c#d%2Fé' }, '/users/a%20b%3Fc%23d%252F%C3%A9'],
  ['/users/:id', { id: '...' }, '/users/...'],
  ['/users/:id', { id: '.x' }, '/users/.x'],
  ['/:a/:b/', { a: 'x', b: 'y' }, '/x/y/'],
  ['/caf%c3%a9/:id', { id: '1' }, '/caf%C3%A9/1'],
  ['/files/*rest', { rest: 'a/b c/d' }, '/files/a/b%20c/d'],
  ['/files/*rest', { rest: 'a/b/' }, '/files/a/b/'],
  ['/files/*rest', { rest: '' }, '/files'],
  ['/files/*rest', { rest: 'a%2Fb' }, '/files/a%252Fb'],
  ['/*rest', { rest: '' }, '/'],
  ['/*rest', { rest: 'x' }, '/x'],
])('%s with %j is %s', (pattern, params, path) => {
  expect(pathOf(pattern, params)).toBe(path)
})

describe('a value that no path can carry is refused, as the fault of the client', () => {
  const bad = ['', '.', '..', 'a/..', '../a', 'a/./b', '..\\a', '..;x', '.;', 'a\0', 'a\n', '\x7f', '\ud800']
  test.each([...bad.map((value) => [value]), ['a/../b']])('%j in a segment', (value) => {
    expect(() => pathOf('/users/:id', { id: value })).toThrow(expect.objectContaining({ code: 'BAD_TARGET', status: 400 }))
  })

  test.each([...bad.filter((value) => value !== ''), '/a', 'a//b', 'a//', '/', '//evil.test'])('%j in a rest', (value) => {
    expect(() => pathOf('/files/*rest', { rest: value })).toThrow(expect.objectContaining({ code: 'BAD_TARGET', status: 400 }))
  })
})

test.each<[params: object]>([[{}], [{ id: undefined }], [{ id: {} }], [Object.create({ id: 'x' })]])(
  'a value that is missing is refused, as the fault of who asks: %j',
  (params) => {
    expect(() => pathOf('/users/:id', untyped<{ id: string }>(params))).toThrow(
      expect.objectContaining({ code: 'CHANGE_REFUSED', message: 'The path parameter id was not given' }),
    )
  },
)

test.each([
  ['users', 'path must be a path that starts with a slash'],
  ['/v1/*', 'path must give its rest a name'],
])('the pattern %j is refused before anything is filled', (pattern, message) => {
  expect(() => pathBuilder(pattern)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'path' }))
  expect(() => pathBuilder(pattern)).toThrow(message)
})

test('whatever the values, what is built is canonical, matches the pattern, and captures the same again', () => {
  const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 10 })
  const nasty = fc.stringMatching(/^[./\\;%2Fa]{1,8}$/)
  const value = fc.oneof(anything, nasty)
  const build = pathBuilder('/a/:first/:second/*rest')
  const table = RouteTable.build([{ path: '/a/:first/:second/*rest', data: 0 }])
  const letPass = { encodedSlash: true, encodedBackslash: true }
  let built = 0
  fc.assert(
    fc.property(value, value, value, (first, second, rest) => {
      let path: string
      try {
        path = build({ first, second, rest })
      } catch (error) {
        return void expect(error).toBeInstanceOf(GatewayError)
      }
      built++
      expect(canonicalizePath(path, letPass)).toBe(path)
      expect(path.split('/').length).toBe(4 + rest.split('/').length)
      expect(table.find({ method: 'GET', url: { host: '', path } })).toMatchObject({ params: { first, second, rest } })
    }),
    { numRuns: 3_000, seed: 20_261_124 },
  )
  expect(built).toBeGreaterThan(1_000)
})
