import { type Check, type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { thrown } from './thrown.ts'

const { boolean, either, fn, httpUrl, list, milliseconds, number, oneOf, optional, record, shape, string, token } = options

interface Sample {
  name: string
  weight?: number
  hosts?: readonly string[]
  health?: { path: string; intervalMs?: number }
}

const checks: Checks<Sample> = {
  name: string,
  weight: optional(number({ min: 0, max: 100, integer: true })),
  hosts: optional(list(string)),
  health: optional(shape<{ path: string; intervalMs?: number }>({ path: string, intervalMs: optional(milliseconds(100)) })),
}

const check = (value: unknown) => checkOptions<Sample>('createSample', value, checks)

describe('checkOptions', () => {
  test('gives a copy of what is right, without what was left out', () => {
    const hosts = ['a']
    const given = { name: 'x', weight: undefined, hosts, health: { path: '/' } }
    const checked = check(given)
    hosts.push('changed later')
    given.health.path = 'changed later'
    expect(checked).toEqual({ name: 'x', hosts: ['a'], health: { path: '/' } })
    expect(Object.keys(checked)).toEqual(['name', 'hosts', 'health'])
  })

  test('takes no options for none given', () => {
    expect(checkOptions('createSample', undefined, { weight: optional(number({ min: 0, max: 1 })) })).toEqual({})
  })

  // Read them aloud: each must say what would be right.
  test.each<[unknown, string | undefined, string]>([
    [[], '', 'createSample: the options must be an object (got a list of 0)'],
    ['x', '', 'createSample: the options must be an object (got "x")'],
    [undefined, 'name', 'createSample: name must be a string that is not empty (got undefined)'],
    [{ name: '' }, 'name', 'createSample: name must be a string that is not empty (got "")'],
    [{ name: 'x', weight: '3' }, 'weight', 'createSample: weight must be a whole number from 0 to 100 (got "3")'],
    [{ name: 'x', weight: null }, 'weight', 'createSample: weight must be a whole number from 0 to 100 (got null)'],
    [{ name: 'x', hosts: 'a' }, 'hosts', 'createSample: hosts must be a list (got "a")'],
    [{ name: 'x', hosts: ['a', 7] }, 'hosts[1]', 'createSample: hosts[1] must be a string that is not empty (got 7)'],
    [{ name: 'x', health: '/' }, 'health', 'createSample: health must be an object (got "/")'],
    [{ name: 'x', health: {} }, 'health.path', 'createSample: health.path must be a string that is not empty (got undefined)'],
    [
      { name: 'x', health: { path: '/', intervalMs: 10 } },
      'health.intervalMs',
      'createSample: health.intervalMs must be a number of milliseconds from 100 to 2147483647 (got 10)',
    ],
    [{ name: 'x', wieght: 1 }, 'wieght', 'createSample: wieght is not an option; did you mean weight?'],
    [{ name: 'x', health: { pth: '/' } }, 'health.pth', 'createSample: health.pth is not an option; did you mean path?'],
    [{ name: 'x', zone: 1 }, 'zone', 'createSample: zone is not an option; known are name, weight, hosts, health'],
  ])('%j: path %j', (value, path, message) => {
    const error = thrown(() => check(value))
    expect(error).toMatchObject({ code: 'BAD_OPTION', side: 'gateway', path, message })
  })

  test('passes on what is no wrong option', () => {
    const broken: Check<string> = () => {
      throw new RangeError('a bug in a check')
    }
    expect(() => checkOptions('x', {}, { name: broken })).toThrow(RangeError)
    const other: Check<string> = () => {
      throw new GatewayError('INTERNAL')
    }
    expect(thrown(() => checkOptions('x', {}, { name: other })).code).toBe('INTERNAL')
  })

  test('knows no names but its own, whatever every object has', () => {
    for (const text of ['{"name":"x","__proto__":{"weight":1}}', '{"name":"x","constructor":1}', '{"name":"x","toString":1}']) {
      expect(thrown(() => check(JSON.parse(text))).message).toContain('is not an option')
    }
    expect(thrown(() => check({ name: 'x', '': 1 })).message).toContain('known are')
  })

  test.each([
    ['weigth', 'weight'], // swapped
    ['weght', 'weight'], // missing
    ['weightt', 'weight'], // added
    ['wright', 'weight'], // wrong
    ['Weight', 'weight'], // case
    ['host', 'hosts'], // cut off
    ['healthCheck', 'health'], // longer
    ['nmae', 'name'],
  ])('takes %s for %s', (wrong, right) => {
    expect(thrown(() => check({ name: 'x', [wrong]: 1 })).message).toContain(`did you mean ${right}?`)
  })

  test.each(['wigth', 'wieghts', 'wxyight', 'wxght', 'id', 'zone', 'nn', 'thgiew'])('takes %s for nothing', (wrong) => {
    expect(thrown(() => check({ name: 'x', [wrong]: 1 })).message).toContain('known are')
  })
})

describe('each check', () => {
  const right = <T>(check: Check<T>, ...values: unknown[]) => values.map((value) => check(value, 'it'))
  const said = (check: Check<unknown>, value: unknown) => thrown(() => check(value, 'it')).message

  test('number', () => {
    const ratio = number({ min: 0, max: 1 })
    expect(right(ratio, 0, 0.5, 1)).toEqual([0, 0.5, 1])
    for (const value of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, '0', 0n, null, undefined, [0.5]]) {
      expect(said(ratio, value)).toContain('it must be a number from 0 to 1 (got ')
    }
    expect(said(number({ min: 1, max: 9, integer: true, unit: 'bytes' }), 1.5)).toBe(
      'it must be a whole number of bytes from 1 to 9 (got 1.5)',
    )
  })

  test('milliseconds', () => {
    expect(right(milliseconds(), 1, 2_147_483_647)).toEqual([1, 2_147_483_647])
    expect(right(milliseconds(0), 0)).toEqual([0])
    expect(said(milliseconds(), 0)).toBe('it must be a number of milliseconds from 1 to 2147483647 (got 0)')
    expect(said(milliseconds(), 2_147_483_648)).toContain('(got 2147483648)')
  })

  test('boolean', () => {
    expect(right(boolean, true, false)).toEqual([true, false])
    for (const value of [0, 'true', null]) expect(said(boolean, value)).toContain('it must be true or false (got ')
  })

  test('string', () => {
    expect(right(string, 'x')).toEqual(['x'])
    for (const value of ['', 1, null, new String('x')])
      expect(said(string, value)).toContain('it must be a string that is not empty')
    expect(said(string, Symbol('x'))).toContain('(got Symbol(x))')
  })

  test('token', () => {
    expect(right(token('x-tenant'), 'X-Tenant_1')).toEqual(['X-Tenant_1'])
    for (const value of ['', 'a b', 'a:', 'ä', 'a\n', 7])
      expect(said(token('x-tenant'), value)).toMatch(/^it must be a name of letters, .*, such as x-tenant \(got /)
  })

  test('fn', () => {
    const task = () => {}
    expect(right(fn(), task)).toEqual([task])
    expect(said(fn('a strategy factory'), {})).toBe('it must be a strategy factory (got an object)')
  })

  test('oneOf', () => {
    expect(right(oneOf('a', 'b', 3), 'a', 3)).toEqual(['a', 3])
    expect(said(oneOf('a', 'b', 3), 'c')).toBe('it must be "a", "b" or 3 (got "c")')
    expect(said(oneOf('a'), 'A')).toBe('it must be "a" (got "A")')
  })

  test('list', () => {
    expect(right(list(boolean), [], [true])).toEqual([[], [true]])
    expect(said(list(boolean, { min: 1 }), [])).toBe('it must be a list of at least 1 (got a list of 0)')
    expect(said(list(boolean, { max: 1 }), [true, true])).toBe('it must be a list of at most 1 (got a list of 2)')
    for (const value of [{}, 'x', { length: 0 }, new Set(), undefined])
      expect(said(list(boolean), value)).toContain('it must be a list')
    const holes: boolean[] = [true]
    holes[2] = true
    expect(said(list(boolean), holes)).toBe('it[1] must be true or false (got undefined)')
  })

  test('record', () => {
    expect(record(boolean)({}, 'it')).toEqual({})
    expect(record(boolean)({ a: true, constructor: false }, 'it')).toEqual({ a: true, constructor: false })
    expect(said(record(boolean), { a: 1 })).toBe('it.a must be true or false (got 1)')
    for (const value of [[], null, 'x']) expect(said(record(boolean), value)).toContain('it must be an object')
    expect(said(record(boolean), JSON.parse('{"__proto__":true}'))).toContain('it must be an object without this name')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('either', () => {
    const size = either('a number or a list of numbers', number({ min: 0, max: 9 }), list(number({ min: 0, max: 9 })))
    expect(right(size, 1, [1, 2])).toEqual([1, [1, 2]])
    expect(said(size, 'x')).toBe('it must be a number or a list of numbers (got "x")')
    expect(said(size, [1, 'x'])).toBe('it[1] must be a number from 0 to 9 (got "x")')
    const broken: Check<string> = () => {
      throw new RangeError('a bug in a check')
    }
    expect(() => either('x', broken)(1, 'it')).toThrow(RangeError)
  })

  test('httpUrl', () => {
    expect(right(httpUrl, 'http://10.0.0.1:8080/base', new URL('https://a')).map(String)).toEqual([
      'http://10.0.0.1:8080/base',
      'https://a/',
    ])
    for (const value of ['10.0.0.1', 'ftp://a', 'http://', '', 7, undefined, null, {}]) {
      expect(said(httpUrl, value)).toContain('it must be an http or https URL such as http://10.0.0.1:8080 (got ')
    }
    for (const value of ['http://a/?b', 'http://a/#b'])
      expect(said(httpUrl, value)).toContain('it must be a URL without query and fragment')
    const given = new URL('http://a')
    expect(httpUrl(given, 'it')).not.toBe(given)
  })

  test('httpUrl shows no password', () => {
    for (const scheme of ['http', 'https', 'redis', 'ftp']) {
      const message = said(httpUrl, `${scheme}://user:hunter2@db.internal/?x`)
      expect(message).toBe('it must be a URL without user name and password (got "db.internal")')
    }
  })

  test('anything', () => {
    expect(right(options.anything, 1, undefined, null)).toEqual([1, undefined, null])
  })

  test('a long string is shown cut', () => {
    expect(said(boolean, 'x'.repeat(1_000))).toBe(`it must be true or false (got "${'x'.repeat(60)}…")`)
  })

  test('throws nothing but BAD_OPTION, whatever it is given', () => {
    const all: Check<unknown>[] = [
      string,
      boolean,
      httpUrl,
      milliseconds(),
      list(string),
      record(string),
      fn(),
      oneOf('a'),
      shape(checks),
      options.clock,
    ]
    const odd = fc.oneof(
      fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true, withDate: true }),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(odd, (value) => {
        for (const check of all) {
          try {
            check(value, 'it')
          } catch (error) {
            expect(error).toMatchObject({
              code: 'BAD_OPTION',
              message: expect.stringMatching(/^it\b.* (must be|is not an option)/s),
            })
          }
        }
      }),
      { seed: 20_26, numRuns: 300 },
    )
  })
})
