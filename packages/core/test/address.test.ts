import { isIPv6 } from 'node:net'
import { addressRanges, canonicalAddress, embeddedIpv4, isWithin, networkOf } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { growth, LINEAR } from './growth.ts'
import { thrown } from './thrown.ts'

const runs = { seed: 20_26, numRuns: 2_000 }

describe('an address has one spelling', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:1.2.3.4', '1.2.3.4'],
    ['0:0:0:0:0:ffff:102:304', '1.2.3.4'],
    ['::ffff:0102:0304', '1.2.3.4'],
    ['::ffff:1.2.3.4%eth0', '1.2.3.4'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%25eth0', 'fe80::1'],
    ['::1', '::1'],
    [`::1%${'e'.repeat(60)}`, '::1'],
    ['::', '::'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  test.each([
    '',
    ' ',
    'garbage',
    'unknown',
    '_hidden',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4:80',
    '1.2.3.4%eth0',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '::ffff:010.0.0.1',
    '::ffff:0x7f.1.2.3',
    '[::1]',
    '::1::',
    '12345::',
    ':',
    '%eth0',
    `::1%${'e'.repeat(100)}`,
    '__proto__',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
  })

  test('which is the one of the URL standard', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const standard = new URL(`http://[${address}]`).hostname.slice(1, -1)
        if (!standard.startsWith('::ffff:')) expect(canonicalAddress(address)).toBe(standard)
      }),
      runs,
    )
  })

  test('that is not made canonical twice', () => {
    const text = fc.oneof(
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.string(),
      fc.tuple(fc.ipV6(), fc.string()).map((parts) => parts.join('%')),
    )
    fc.assert(
      fc.property(text, (address) => {
        const canonical = canonicalAddress(address)
        if (canonical !== undefined) expect(canonicalAddress(canonical)).toBe(canonical)
        else expect(isIPv6(address)).toBe(false)
      }),
      runs,
    )
  })

  test('whatever the spelling of an IPv4 address inside IPv6', () => {
    const high = (value: number) => ((value >>> 8) & 0xff).toString()
    const low = (value: number) => (value & 0xff).toString()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffff }), (left, right) => {
        const plain = [high(left), low(left), high(right), low(right)].join('.')
        const spellings = [plain, `::ffff:${plain}`, `::FFFF:${left.toString(16)}:${right.toString(16)}`]
        spellings.push(`0:00:000:0000:0:ffff:${left.toString(16).padStart(4, '0')}:${right.toString(16).toUpperCase()}`)
        expect(new Set(spellings.map(canonicalAddress))).toEqual(new Set([plain]))
      }),
      runs,
    )
  })

  test.each([
    ['colons', (n: number) => '1:'.repeat(n / 2)],
    ['percent signs', (n: number) => `${'%'.repeat(n)}\n`],
    ['digits', (n: number) => '1'.repeat(n)],
  ])('found in time that grows no faster than the text: %s', (_, input) => {
    expect(growth(input, (text) => void canonicalAddress(text))).toBeLessThan(LINEAR)
  })
})

describe('a range', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.0.0.1', false],
    ['::/0', '::ffff:10.0.0.1', false],
    ['10.0.0.0/8', '::10.0.0.1', false],
    ['::10.0.0.0/104', '::10.9.9.9', true],
    ['::10.0.0.0/104', '10.9.9.9', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    // IPv4 inside IPv6, on either side
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['10.0.0.0/8', '0:0:0:0:0:ffff:a00:1', true],
    ['::ffff:10.0.0.0/104', '10.255.255.255', true],
    ['::ffff:10.0.0.0/104', '11.0.0.0', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['::ffff:10.0.0.0/96', '203.0.113.9', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    // What only some programs read as an address
    ['8.0.0.0/8', '010.0.0.1', false],
    ['127.0.0.0/8', '2130706433', false],
    ['0.0.0.0/0', 'unknown', false],
    ['0.0.0.0/0', '', false],
  ])('%s and %s: %s', (range, address, within) => {
    expect(isWithin(address, addressRanges([range], 'ranges'))).toBe(within)
  })

  test('of none holds nothing', () => {
    expect(isWithin('10.0.0.1', [])).toBe(false)
  })

  test.each([
    '::ffff:10.0.0.0/8', // all of IPv4, and more
    '::ffff:10.0.0.0/95',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    '10.0.0.0/',
    '10.0.0.0/ 8',
    '10.0.0.0/8/8',
    '10.0.0.0/0x8',
    '10.0.0.0/255.0.0.0',
    '10.0.0',
    '010.0.0.0/8',
    '0x0a.0.0.0/8',
    ' 10.0.0.0/8',
    'fe80::1%eth0/64',
    'loopback',
    '',
    '*',
  ])('%j is refused, with its place', (text) => {
    const error = thrown(() => addressRanges(['10.0.0.0/8', text], 'trustedProxies'))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'trustedProxies[1]' })
    expect(error.message).toContain('trustedProxies[1] must be an IP address or a CIDR range such as 10.0.0.0/8 (got ')
  })

  test('holds what its bits say', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff })
    const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.')
    fc.assert(
      fc.property(number, number, fc.integer({ min: 0, max: 32 }), fc.boolean(), (network, other, bits, near) => {
        const address = near ? (network ^ (other >>> Math.max(0, bits - 1))) >>> 0 : other
        const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
        const expected = (network & mask) >>> 0 === (address & mask) >>> 0
        expect(isWithin(dotted(address), addressRanges([`${dotted(network)}/${bits}`], 'ranges'))).toBe(expected)
      }),
      runs,
    )
  })
})

describe('the network of an address', () => {
  test.each([
    ['10.1.2.3', 64, '10.1.2.3'],
    ['::ffff:10.1.2.3', 64, '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::1%eth0', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2ff::', 56, '2001:db8:1:200::/56'],
    ['2001:db8::1', 128, '2001:db8::1'],
    ['2001:db8::1', 1, '::/1'],
    ['unix', 64, 'unix'],
  ])('of %s with %i bits is %s', (address, bits, network) => {
    expect(networkOf(address, bits)).toBe(network)
  })
})

describe('an address that stands for another', () => {
  test.each([
    ['64:ff9b::169.254.169.254', ['169.254.169.254']],
    ['64:ff9b:1::10.0.0.1', ['10.0.0.1']],
    ['2002:7f00:1::', ['127.0.0.1']],
    ['2001:0:0a00:1::f5ff:fffe', ['10.0.0.1', '10.0.0.1']],
    ['::127.0.0.1', ['127.0.0.1']],
    ['2001:db8::1', []],
    ['1.2.3.4', []],
    ['::ffff:1.2.3.4', []],
    ['a.test', []],
  ])('%s: %j', (address, embedded) => {
    expect(embeddedIpv4(address)).toEqual(embedded)
  })

  test('is found for every IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(embeddedIpv4(`64:ff9b::${address}`)).toEqual([address])
      }),
      runs,
    )
  })
})
