import { canonicalize, canonicalizeLeniently, canonicalizePath, type PathOptions } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { growth, LINEAR } from './growth.ts'
import { taken, targetProperties } from './target-properties.ts'
import { thrown } from './thrown.ts'

const everything: PathOptions = { doubleSlash: true, encodedSlash: true, encodedBackslash: true }

describe('a target that is taken', () => {
  test.each([
    // target, path, search
    ['/', '/', ''],
    ['/users/7', '/users/7', ''],
    ['/users/', '/users/', ''],
    ['/ADMIN', '/ADMIN', ''],
    ["/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", ''],
    // Dot segments (RFC 3986 §5.2.4), also in disguise
    ['/a/../admin', '/admin', ''],
    ['/a/%2e%2e/admin', '/admin', ''],
    ['/a/.%2e/admin', '/admin', ''],
    ['/a/%2E./admin', '/admin', ''],
    ['/./admin', '/admin', ''],
    ['/a/b/.', '/a/b/', ''],
    ['/a/b/..', '/a/', ''],
    ['/..', '/', ''],
    ['/../../../etc', '/etc', ''],
    ['/a/./b/../../c/%2e', '/c/', ''],
    ['/.hidden/..a/a../...', '/.hidden/..a/a../...', ''],
    // Decoded once, and no more
    ['/%252e%252e/admin', '/%252e%252e/admin', ''],
    ['/a/%25%32%65%25%32%65/b', '/a/%252e%252e/b', ''],
    ['/%61pi/x', '/api/x', ''],
    ['/%7euser/%41%5f%2d', '/~user/A_-', ''],
    ['/caf%c3%a9', '/caf%C3%A9', ''],
    ['/latin%E9', '/latin%E9', ''],
    ['/a%3fb%23c', '/a%3Fb%23c', ''],
    ['/a%20b', '/a%20b', ''],
    ['/"<>^`{|}', '/%22%3C%3E%5E%60%7B%7C%7D', ''],
    // A semicolon is data
    ['/admin;x=1', '/admin;x=1', ''],
    ['/a;/b', '/a;/b', ''],
    ['/;..', '/;..', ''],
    ['/...;/a', '/...;/a', ''],
    // The query as it came
    ['/?', '/', '?'],
    ['/a?b=1&a=2', '/a', '?b=1&a=2'],
    ['/a?x=%2e%2E/../%zz//\\&y="<>', '/a', '?x=%2e%2E/../%zz//\\&y="<>'],
    ['/%61/../b?next=/admin?x', '/b', '?next=/admin?x'],
  ])('%s', (target, path, search) => {
    expect(canonicalize(target)).toEqual({ path, search })
  })

  test.each([
    ['http://api.example.com/x/../y?z', { authority: 'api.example.com', scheme: 'http', path: '/y', search: '?z' }],
    ['HTTPS://API.Example.com:8443', { authority: 'API.Example.com:8443', scheme: 'https', path: '/', search: '' }],
    ['http://h?x', { authority: 'h', scheme: 'http', path: '/', search: '?x' }],
    // Left for the comparison with `Host`, which refuses both
    ['http://user@evil/x', { authority: 'user@evil', scheme: 'http', path: '/x', search: '' }],
    ['http://evil\\@good/x', { authority: 'evil\\@good', scheme: 'http', path: '/x', search: '' }],
  ])('in absolute form: %s', (target, expected) => {
    expect(canonicalize(target)).toEqual(expected)
  })
})

describe('a target that is refused', () => {
  test.each([
    ['', 'must start with a slash'],
    ['?x', 'must start with a slash'],
    ['x', 'must start with a slash'],
    ['*', 'must start with a slash'],
    ['example.com:443', 'must start with a slash'],
    ['ftp://example.com/', 'must start with a slash'],
    ['//admin', '(//); the option paths.doubleSlash'],
    ['/api//admin', '(//)'],
    ['/api//', '(//)'],
    ['/a//../b', '(//)'],
    ['/a/.//b', '(//)'],
    ['/a/..;/admin', 'dot segment beside a semicolon'],
    ['/a/.;x/admin', 'dot segment beside'],
    ['/a/%2e%2e;/admin', 'dot segment beside'],
    ['/a/..%3b/admin', 'dot segment beside'],
    ['/a\\..\\admin', 'backslash'],
    ['/a%5cb', '(%5C); the option paths.encodedBackslash'],
    ['/a%2fb', '(%2F); the option paths.encodedSlash'],
    ['/..%2fadmin', '(%2F)'],
    ['/x#frag', 'fragment'],
    ['/x?y#frag', 'fragment'],
    ['/#?', 'fragment'],
    ['/a%00', 'control byte'],
    ['/a%0d%0ab', 'control byte'],
    ['/a%7f', 'control byte'],
    ['/a\0', 'control byte'],
    ['/a\r\nx: y', 'control byte'],
    ['/a b', 'a space'],
    ['/café', 'not ASCII'],
    ['/a\x80', 'not ASCII'],
    ['/a?é', 'not ASCII'],
    ['/a?b c', 'a space'],
    ['/a?\x7f', 'control byte'],
    ['/%zz', 'two hex digits'],
    ['/%', 'two hex digits'],
    ['/%4', 'two hex digits'],
    ['/%%34%31', 'two hex digits'],
    ['/%u002f', 'two hex digits'],
    ['/%c0%ae%c0%ae/x', 'overlong'],
    ['/%C1%81', 'overlong'],
    ['/%e0%80%af', 'overlong'],
    ['/%f0%80%80%af', 'overlong'],
    ['http://example.com//admin', '(//)'],
    ['http:///admin\\', 'backslash'],
  ])('%j', (target, part) => {
    const error = thrown(() => canonicalize(target))
    expect(error).toMatchObject({ code: 'BAD_TARGET', status: 400 })
    expect(error.detail).toContain(part)
  })
})

describe('an option', () => {
  test.each<[PathOptions, string, string]>([
    [{ doubleSlash: true }, '/a//b/', '/a//b/'],
    [{ doubleSlash: true }, '//a', '//a'],
    [{ doubleSlash: true }, '/a//../b', '/a/b'],
    [{ encodedSlash: true }, '/group%2fproject', '/group%2Fproject'],
    [{ encodedBackslash: true }, '/a%5cb', '/a%5Cb'],
  ])('%j lets %s through', (options, target, path) => {
    expect(canonicalize(target, options)).toEqual({ path, search: '' })
    expect(canonicalizePath(target, options)).toBe(path)
  })

  test.each([
    '/files/..%2f..%2fetc',
    '/..%5c..%5cetc',
    '/a%2f../b',
    '/a%2f..',
    '/a%5C.',
    '/a%2f.%2fb',
    '/x%5c%2e%2e%2fb',
    '/..;/a',
    '/a\\b',
    '/%00',
  ])('never lets %s through', (target) => {
    expect(thrown(() => canonicalize(target, everything)).code).toBe('BAD_TARGET')
  })
})

describe('canonicalizePath', () => {
  test('takes a path alone', () => {
    expect(canonicalizePath('/a/%2e%2e/b')).toBe('/b')
  })

  test.each(['', 'a', '?', '/a?', '/a?b', 'http://a/', '/a//b'])('refuses %j', (path) => {
    expect(thrown(() => canonicalizePath(path)).code).toBe('BAD_TARGET')
  })
})

targetProperties(2_000)

describe('time grows no faster than the target', () => {
  test.each([
    ['a', (n: number) => `/${'a'.repeat(n)}`],
    ['/a', (n: number) => '/a'.repeat(n / 2)],
    ['/a before a refused character', (n: number) => `${'/a'.repeat(n / 2)}\\`],
    ['/', (n: number) => '/'.repeat(n)],
    ['/.', (n: number) => '/.'.repeat(n / 2)],
    ['/a/..', (n: number) => '/a/..'.repeat(n / 5)],
    ['%2e', (n: number) => `/${'%2e'.repeat(n / 3)}`],
    ['%', (n: number) => `/${'%'.repeat(n)}`],
    ['%c0', (n: number) => `/${'%c0'.repeat(n / 3)}`],
    ['|', (n: number) => `/${'|'.repeat(n)}`],
    ['?', (n: number) => `/${'?'.repeat(n)}`],
    ['a query before a fragment', (n: number) => `/?${'a'.repeat(n)}#`],
    ['an authority', (n: number) => `http://${'a'.repeat(n)}\n`],
    ['a scheme without end', (n: number) => 'http:/'.repeat(n / 6)],
  ])('of many %s', (_, input) => {
    expect(growth(input, (text) => void taken(text, everything))).toBeLessThan(LINEAR)
  })
})

describe('a target in front of a framework', () => {
  test.each([
    ['/users/7?q=1', '/users/7', '?q=1'],
    ['/a//b', '/a//b', ''],
    ['/a%2fb%5Cc', '/a%2Fb%5Cc', ''],
    ['/a/..;/b', '/a/..;/b', ''],
    ['/a/..%2fb', '/a/..%2Fb', ''],
    ['/%C0%AF', '/%C0%AF', ''],
    ['/a/../b/%2e', '/b/', ''],
    ['/a\\b', '/a%5Cb', ''],
    ['/a#b', '/a%23b', ''],
    ['/caf\xc3\xa9 au lait', '/caf%C3%A9%20au%20lait', ''],
    ['/\u{1f600}', '/%F0%9F%98%80', ''],
    ['/a?q=\xe9 #%zz', '/a', '?q=\xe9 #%zz'],
  ])('is taken although servers differ on it: %s', (target, path, search) => {
    expect(canonicalizeLeniently(target)).toEqual({ path, search })
  })

  test.each([
    ['/a\0b', 'It has a control byte'],
    ['/a\tb', 'It has a control byte'],
    ['/a?b\x7f', 'It has a control byte'],
    ['/a%00', 'The path has an encoded control byte'],
    ['/a%0d%0ab', 'The path has an encoded control byte'],
    ['/a%zz', 'The path has a % that is not followed by two hex digits'],
    ['/a%2', 'The path has a % that is not followed by two hex digits'],
    ['a', 'It must start with a slash'],
    ['*', 'It must start with a slash'],
  ])('is refused where no server should take it: %j', (target, detail) => {
    expect(thrown(() => canonicalizeLeniently(target))).toMatchObject({ code: 'BAD_TARGET', detail })
  })
})
