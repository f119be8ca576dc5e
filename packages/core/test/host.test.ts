import { canonicalizeHost } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { growth, LINEAR } from './growth.ts'
import { thrown } from './thrown.ts'

describe('a Host that is taken', () => {
  test.each([
    ['api.example.com', 'api.example.com', undefined],
    ['API.Example.com.', 'api.example.com', undefined],
    ['api.example.com:80', 'api.example.com', undefined],
    ['api.example.com.:0080', 'api.example.com', undefined],
    ['api.example.com:', 'api.example.com', undefined],
    ['api.example.com:443', 'api.example.com', 443],
    ['api.example.com:65535', 'api.example.com', 65_535],
    ['XN--BCHER-KVA.Example', 'xn--bcher-kva.example', undefined],
    ['my_service', 'my_service', undefined],
    ['localhost:8080', 'localhost', 8080],
    ['10.0.0.1:8080', '10.0.0.1', 8080],
    ['[2001:DB8:0:0:0:0:0:1]', '[2001:db8::1]', undefined],
    ['[2001:db8::0001]:8443', '[2001:db8::1]', 8443],
    ['[1:0:0:2:0:0:0:3]', '[1:0:0:2::3]', undefined],
    ['[1:0:2:3:4:5:6:7]', '[1:0:2:3:4:5:6:7]', undefined],
    ['[::]:80', '[::]', undefined],
    ['[::1]:', '[::1]', undefined],
    ['[::FFFF:1.2.3.4]', '[::ffff:102:304]', undefined],
    ['[::1.2.3.4]', '[::102:304]', undefined],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`, undefined],
    [`${'a.'.repeat(126)}a`, `${'a.'.repeat(126)}a`, undefined],
  ])('%s', (value, host, port) => {
    expect(canonicalizeHost(value, 'http')).toEqual({ host, port })
  })

  test('loses the default port of its own scheme only', () => {
    expect(canonicalizeHost('a:443', 'https')).toEqual({ host: 'a', port: undefined })
    expect(canonicalizeHost('a:80', 'https')).toEqual({ host: 'a', port: 80 })
  })
})

describe('a Host that is refused', () => {
  test.each([
    '',
    '.',
    '..',
    'a..',
    'a..b',
    '.a',
    ':80',
    'a:b',
    'a:99999',
    'a:65536',
    'a:0',
    'a:000080',
    'a:-1',
    'a:80:80',
    'evil.com:x@good.com',
    'user@good.com',
    'user:pw@good.com',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a b',
    ' a',
    'a ',
    'a,b',
    'a\tb',
    'a\0',
    'a\r\nx: y',
    'a\n',
    'a%00',
    'a%2e',
    'bücher.example',
    'b\xfccher',
    '\u212Aelvin',
    'a|b',
    "a'b",
    'http://a',
    '2001:db8::1',
    '[2001:db8::1',
    '2001:db8::1]',
    '[]',
    '[:]',
    '[:::]',
    '[1.2.3.4]',
    '[::1%eth0]',
    '[::1%25eth0]',
    '[::1]a',
    '[fe80::1::2]',
    '[v1.a]',
    '[12345::]',
    '[::ffff:010.0.0.1]',
    `${'a'.repeat(254)}`,
    `${'a'.repeat(300)}`,
  ])('%j', (value) => {
    expect(thrown(() => canonicalizeHost(value, 'http'))).toMatchObject({ code: 'BAD_HOST', status: 400 })
  })
})

describe('any Host', () => {
  const piece = fc.constantFrom('a', 'B', '1', '.', '.', '-', '_', ':', '80', '[', ']', '::', 'ffff', '@', '%', ' ', '\n', 'é')
  const host = fc.oneof(
    fc.array(piece, { maxLength: 10 }).map((parts) => parts.join('')),
    fc.ipV6().map((address) => `[${address}]`),
    fc.string({ unit: 'binary' }),
  )

  test('is canonical when it was made canonical, or refused with BAD_HOST', () => {
    fc.assert(
      fc.property(host, fc.constantFrom('http' as const, 'https' as const), (value, scheme) => {
        let once: ReturnType<typeof canonicalizeHost>
        try {
          once = canonicalizeHost(value, scheme)
        } catch (error) {
          expect(error).toMatchObject({ name: 'GatewayError', code: 'BAD_HOST' })
          return
        }
        const text = once.port === undefined ? once.host : `${once.host}:${once.port}`
        expect(canonicalizeHost(text, scheme)).toEqual(once)
        expect(once.host).toMatch(/^(?:[a-z0-9_-][a-z0-9_.-]*[a-z0-9_-]|[a-z0-9_-]|\[[0-9a-f:]+\])$/)
      }),
      { seed: 20_26, numRuns: 2_000 },
    )
  })

  test('is the same in every spelling of one address', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
        const short = groups.map((group) => group.toString(16).toUpperCase()).join(':')
        const { host } = canonicalizeHost(`[${full}]`, 'http')
        expect(canonicalizeHost(`[${short}]`, 'http').host).toBe(host)
        expect(new URL(`http://[${full}]`).hostname).toBe(host)
      }),
      { seed: 20_26, numRuns: 1_000 },
    )
  })

  test.each([
    ['letters', (n: number) => `${'a'.repeat(n)}!`],
    ['dots', (n: number) => `${'.'.repeat(n)}!`],
    ['colons', (n: number) => `[${':'.repeat(n)}`],
    ['an address', (n: number) => `[${'1:'.repeat(n / 2)}]`],
  ])('takes time that grows no faster than its length: %s', (_, input) => {
    expect(growth(input, (value) => void thrown(() => canonicalizeHost(value, 'http')))).toBeLessThan(LINEAR)
  })
})
