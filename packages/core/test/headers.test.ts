import { HeaderList, hasToken, isNamed } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { thrown } from './thrown.ts'

const cookies = () =>
  HeaderList.fromRaw(['Set-Cookie', 'a=1', 'X-One', '1', 'set-cookie', 'b=2', 'x-one', '2', 'COOKIE', 'c', 'cookie', 'd'])

describe('reading', () => {
  test('ignores the case of names', () => {
    const headers = new HeaderList({ 'X-One': '1' })
    expect([headers.get('x-one'), headers.get('X-ONE'), headers.has('X-oNe'), headers.has('x-two')]).toEqual([
      '1',
      '1',
      true,
      false,
    ])
    expect(headers.get('x-two')).toBeUndefined()
  })

  test('joins several fields of a name, cookies by semicolons', () => {
    expect(cookies().get('X-One')).toBe('1, 2')
    expect(cookies().get('cookie')).toBe('c; d')
  })

  test('gives the fields of a name one by one', () => {
    expect(cookies().getAll('X-ONE')).toEqual(['1', '2'])
    expect(cookies().getAll('x-two')).toEqual([])
    expect(cookies().getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('finds an empty value', () => {
    const headers = new HeaderList({ 'x-one': '' })
    expect([headers.get('x-one'), headers.has('x-one')]).toEqual(['', true])
    expect(headers.append('X-One', 'b').get('x-one')).toBe(', b')
  })

  test('goes through the fields as they came', () => {
    expect([...cookies()].slice(0, 3)).toEqual([
      ['Set-Cookie', 'a=1'],
      ['X-One', '1'],
      ['set-cookie', 'b=2'],
    ])
    expect(cookies().raw).toHaveLength(12)
  })

  test('knows no names but those that are there', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) expect(new HeaderList().get(name)).toBeUndefined()
    expect(new HeaderList([['__proto__', 'x']]).get('__PROTO__')).toBe('x')
    expect(new HeaderList(JSON.parse('{"__proto__":"x"}')).raw).toEqual(['__proto__', 'x'])
  })
})

describe('changing', () => {
  test('set replaces every field of the name, at the place of the first', () => {
    expect(cookies().set('X-ONE', '3').raw).toEqual([
      ...['Set-Cookie', 'a=1', 'X-One', '3', 'set-cookie', 'b=2'],
      ...['COOKIE', 'c', 'cookie', 'd'],
    ])
    expect(cookies().set('X-Two', '3').raw.slice(-2)).toEqual(['X-Two', '3'])
  })

  test('append keeps those that are there', () => {
    expect(cookies().append('x-one', '3').getAll('x-one')).toEqual(['1', '2', '3'])
  })

  test('delete takes away every field of the name, and says whether there was one', () => {
    const headers = cookies()
    expect(headers.delete('SET-cookie')).toBe(true)
    expect(headers.delete('set-cookie')).toBe(false)
    expect(headers.raw).toEqual(['X-One', '1', 'x-one', '2', 'COOKIE', 'c', 'cookie', 'd'])
  })

  test('a copy can be changed without touching the original', () => {
    const original = new HeaderList({ a: '1' })
    original.clone().set('a', '2').append('b', '3')
    expect(original.raw).toEqual(['a', '1'])
  })

  test('fromRaw takes the list over', () => {
    const raw = ['a', '1']
    HeaderList.fromRaw(raw).append('b', '2')
    expect(raw).toEqual(['a', '1', 'b', '2'])
  })
})

describe('a field that HTTP does not allow is refused when it is set', () => {
  const ways: [string, (name: string, value: string) => unknown][] = [
    ['new', (name, value) => new HeaderList([[name, value]])],
    ['set', (name, value) => new HeaderList().set(name, value)],
    ['append', (name, value) => new HeaderList().append(name, value)],
  ]

  test.each(ways)('by %s: names', (_, way) => {
    for (const name of ['', ' ', 'a b', 'a:', 'a\r\nb', 'a\0', 'é', 'a\x7f', '(a)', 'a,b', '"a"', undefined, 1, null]) {
      expect(thrown(() => way(name as string, 'x'))).toMatchObject({ code: 'BAD_HEADER', status: 500 })
    }
  })

  test.each(ways)('by %s: values', (_, way) => {
    for (const value of ['a\r\nset-cookie: b', 'a\n', '\r', 'a\0', '\x7f', '\x1b[0m', 'Ā', '😀']) {
      expect(thrown(() => way('a', value)).message).toBe('the value of header a has a character that HTTP does not allow')
    }
    for (const value of [undefined, null, 1, ['a']]) {
      expect(thrown(() => way('a', value as unknown as string)).message).toContain('the value of header a must be a string, not ')
    }
  })

  test.each(ways)('by %s: tabs, spaces and bytes beyond ASCII are allowed', (_, way) => {
    for (const value of ['', ' ', 'a\tb', '\xe9', '\xff']) expect(() => way('a', value)).not.toThrow()
    for (const name of ["!#$%&'*+-.^_`|~", 'A1']) expect(() => way(name, 'x')).not.toThrow()
  })

  test('and the list stays as it was', () => {
    const headers = new HeaderList({ a: '1' })
    thrown(() => headers.set('a', '\n'))
    thrown(() => headers.append('b', '\n'))
    expect(headers.raw).toEqual(['a', '1'])
  })

  test('whatever was taken has no line break and no NUL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        try {
          const { raw } = new HeaderList([[name, value]])
          expect(raw).toEqual([name, value])
          expect(raw.join('')).not.toMatch(/[\0\r\n]/)
          expect(Buffer.from(value, 'latin1').toString('latin1')).toBe(value)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_HEADER' })
        }
      }),
      { seed: 20_26, numRuns: 1_000 },
    )
  })
})

test('behaves like a list of pairs', () => {
  const name = fc.constantFrom('a', 'A', 'b', 'B', 'set-cookie', 'cookie')
  const action = fc.tuple(
    fc.constantFrom('set', 'append', 'delete'),
    name,
    fc.string({ unit: fc.constantFrom('x', 'y'), maxLength: 2 }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const headers = new HeaderList()
      let model: [string, string][] = []
      for (const [what, name, value] of actions) {
        const same = ([other]: [string, string]) => other.toLowerCase() === name.toLowerCase()
        if (what === 'append') {
          headers.append(name, value)
          model.push([name, value])
        } else if (what === 'delete') {
          expect(headers.delete(name)).toBe(model.some(same))
          model = model.filter((pair) => !same(pair))
        } else {
          headers.set(name, value)
          const at = model.findIndex(same)
          if (at < 0) model.push([name, value])
          else model = model.flatMap((pair, i) => (!same(pair) ? [pair] : i === at ? [[pair[0], value]] : []))
        }
      }
      expect([...headers]).toEqual(model)
    }),
    { seed: 20_26, numRuns: 1_000 },
  )
})

test('isNamed compares with a lower-case name', () => {
  expect([isNamed('Host', 'host'), isNamed('host', 'host'), isNamed('hosts', 'host'), isNamed('most', 'host')]).toEqual([
    true,
    true,
    false,
    false,
  ])
})

describe('hasToken', () => {
  test.each([
    ['Upgrade', 'upgrade', true],
    ['keep-alive, Upgrade', 'UPGRADE', true],
    [' upgrade\t', 'upgrade', true],
    ['upgrades', 'upgrade', false],
    ['a upgrade', 'upgrade', false],
    ['', 'upgrade', false],
  ])('%j has %s: %s', (value, token, expected) => {
    expect(hasToken(new HeaderList({ Connection: value }), 'connection', token)).toBe(expected)
  })

  test('looks at every field of the name', () => {
    const headers = new HeaderList([
      ['connection', 'close'],
      ['Connection', 'x, Upgrade'],
    ])
    expect(hasToken(headers, 'CONNECTION', 'upgrade')).toBe(true)
    expect(hasToken(headers, 'upgrade', 'upgrade')).toBe(false)
  })
})
