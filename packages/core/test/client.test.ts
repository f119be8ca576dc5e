import { canonicalAddress, clientResolver, HeaderList, options, type TrustedProxies, trustedProxies } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { growth, LINEAR } from './growth.ts'
import { thrown } from './thrown.ts'

const PEER = '10.0.0.9'

function seen(trusted: TrustedProxies, headers: Record<string, string> | [string, string][], address = PEER) {
  return clientResolver(trusted)({ address, encrypted: false }, new HeaderList(headers))
}
const clientOf = (...args: Parameters<typeof seen>) => seen(...args).client.address
const forwardedFor = (trusted: TrustedProxies, value: string) => clientOf(trusted, { 'x-forwarded-for': value })
const forwarded = (proxies: readonly string[] | number, value: string) =>
  clientOf({ proxies, header: 'forwarded' }, { forwarded: value })

describe('without trusted proxies', () => {
  test.each([[[]], [0], [{ proxies: [] }], [{ proxies: 0, header: 'forwarded' as const }]])(
    '%j, no header is believed',
    (trusted) => {
      const claims = { 'x-forwarded-for': '1.1.1.1', 'x-forwarded-proto': 'https', forwarded: 'for=2.2.2.2;proto=https' }
      expect(seen(trusted, claims)).toEqual({
        client: { address: PEER, peer: PEER, viaTrustedProxy: false },
        scheme: 'http',
      })
    },
  )

  test('nobody is trusted by default', () => {
    const client = clientResolver()
    expect(client({ address: PEER, encrypted: true }, new HeaderList({ 'x-forwarded-for': '1.1.1.1' }))).toEqual({
      client: { address: PEER, peer: PEER, viaTrustedProxy: false },
      scheme: 'https',
    })
  })

  test('the address of a dual-stack socket is that of IPv4, and different clients stay different', () => {
    expect(clientOf([], {}, '::ffff:1.2.3.4')).toBe('1.2.3.4')
    expect(clientOf([], {}, '::ffff:1.2.3.5')).toBe('1.2.3.5')
    expect(clientOf([], {}, 'fe80::1%eth0')).toBe('fe80::1')
  })

  test('what is no address, as on a Unix socket, stays as it is', () => {
    expect(clientOf([], {}, '')).toBe('')
  })
})

describe('behind trusted addresses', () => {
  const trusted = ['10.0.0.0/8', '2001:db8::/32']

  test.each([
    // the claim, the client
    ['', PEER],
    ['1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['6.6.6.6,1.2.3.4,10.0.0.1, 10.0.0.2', '1.2.3.4'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['2001:db8::7, 10.0.0.2', '2001:db8::7'],
    ['2001:4860::8888, 2001:DB8::1', '2001:4860::8888'],
    // Ports, brackets, zones, IPv4 inside IPv6
    ['1.2.3.4:5678', '1.2.3.4'],
    ['[2001:4860::8888]', '2001:4860::8888'],
    ['[2001:4860::8888]:5678', '2001:4860::8888'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, ::ffff:10.0.0.1', '6.6.6.6'],
    ['1.1.1.1, fe80::1%eth0', 'fe80::1'],
    // The walk ends at the first that cannot be read
    ['6.6.6.6, garbage', PEER],
    ['6.6.6.6, garbage, 10.0.0.1', '10.0.0.1'],
    ['6.6.6.6, unknown', PEER],
    ['6.6.6.6, _hidden', PEER],
    ['6.6.6.6, ', PEER],
    ['6.6.6.6, , 10.0.0.1', '10.0.0.1'],
    ['6.6.6.6, 010.0.0.1', PEER],
    ['6.6.6.6, 1.2.3.4:', PEER],
    ['6.6.6.6, "1.2.3.4"', PEER],
    ['6.6.6.6, 1.2.3.4 5.6.7.8', PEER],
    ['__proto__', PEER],
  ])('X-Forwarded-For: %s', (value, client) => {
    expect(forwardedFor(trusted, value)).toBe(client)
  })

  test('several lines are one list', () => {
    const lines: [string, string][] = [
      ['X-Forwarded-For', '6.6.6.6'],
      ['x-forwarded-for', '1.2.3.4, 10.0.0.1'],
    ]
    expect(clientOf(trusted, lines)).toBe('1.2.3.4')
  })

  test('a peer that is not trusted speaks for itself alone', () => {
    const claims = { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-proto': 'https' }
    expect(seen(trusted, claims, '203.0.113.9')).toEqual({
      client: { address: '203.0.113.9', peer: '203.0.113.9', viaTrustedProxy: false },
      scheme: 'http',
    })
  })

  test('a trusted peer is told of, also when it claims nothing', () => {
    expect(seen(trusted, {}).client).toEqual({ address: PEER, peer: PEER, viaTrustedProxy: true })
    expect(seen(trusted, {}, '::ffff:10.0.0.9').client).toEqual({ address: PEER, peer: PEER, viaTrustedProxy: true })
  })

  test('no more than 32 hops are followed', () => {
    const hops = Array.from({ length: 500 }, (_, at) => `10.1.${at >> 8}.${at & 255}`)
    expect(forwardedFor(trusted, hops.join(', '))).toBe('10.1.1.212')
    expect(forwarded(trusted, hops.map((hop) => `for=${hop}`).join(', '))).toBe('10.1.1.212')
  })

  test.each([
    ['https', 'https'],
    ['HTTPS', 'https'],
    ['https, http', 'http'],
    ['http, https', 'https'],
    ['wss', 'http'],
    ['', 'http'],
  ])('X-Forwarded-Proto: %s is read as %s, from the nearest proxy', (value, scheme) => {
    expect(seen(trusted, { 'x-forwarded-proto': value }).scheme).toBe(scheme)
  })
})

describe('behind a number of proxies', () => {
  const hops = '4.4.4.4, 3.3.3.3, 2.2.2.2'
  test.each([
    [1, '2.2.2.2'],
    [2, '3.3.3.3'],
    [3, '4.4.4.4'],
    [32, '4.4.4.4'],
  ])('%i, that many are passed over', (proxies, client) => {
    expect(forwardedFor(proxies, hops)).toBe(client)
  })

  test('a client that adds addresses of its own gains nothing', () => {
    expect(forwardedFor(1, `6.6.6.6, 7.7.7.7, ${hops}`)).toBe('2.2.2.2')
  })

  test('the peer may be a Unix socket', () => {
    expect(clientOf(1, { 'x-forwarded-for': '1.2.3.4' }, '')).toBe('1.2.3.4')
  })
})

describe('Forwarded', () => {
  const trusted = ['10.0.0.0/8']

  test.each([
    ['for=1.2.3.4', '1.2.3.4'],
    ['For=1.2.3.4; Proto=https ;by=10.0.0.1', '1.2.3.4'],
    ['for="1.2.3.4:5678"', '1.2.3.4'],
    ['for=1.2.3.4:5678', '1.2.3.4'],
    ['for="[2001:4860::8888]:_port"', '2001:4860::8888'],
    ['for=[2001:4860::8888]', '2001:4860::8888'],
    ['for="\\1.2.3.4"', '1.2.3.4'],
    ['for=1.2.3.4;host="a,b;c=\\"d"', '1.2.3.4'],
    ['for=6.6.6.6, for=1.2.3.4, for=10.0.0.1', '1.2.3.4'],
    ['for=1.2.3.4;', '1.2.3.4'],
    [';;for=1.2.3.4', '1.2.3.4'],
    ['for=6.6.6.6, for=unknown', PEER],
    ['for=6.6.6.6, for=_hidden, for=10.0.0.1', '10.0.0.1'],
    ['for=6.6.6.6, proto=https', PEER],
    ['for=6.6.6.6, garbage', PEER],
    ['for=6.6.6.6, for', PEER],
    ['for=6.6.6.6, =1.2.3.4', PEER],
    ['for=6.6.6.6, for = 1.2.3.4', PEER],
    ['for=6.6.6.6, for=1.2.3.4 x', PEER],
    ['for=6.6.6.6, for="1.2.3.4"x', PEER],
    ['for=6.6.6.6, for=x"1.2.3.4"', PEER],
    ['for=6.6.6.6, ', PEER],
    ['for=1.2.3.4;for=6.6.6.6', PEER],
    ['for=1.2.3.4;host=evil;for=6.6.6.6, for=10.0.0.1', '10.0.0.1'],
  ])('%s', (value, client) => {
    expect(forwarded(trusted, value)).toBe(client)
  })

  // What the client sent, and behind it what its proxy added.
  test.each(['for=9.9.9.9', 'for="9.9.9.9:80"', 'for=9.9.9.9;proto=https;host="a\\"b"'])(
    'a quote that the client leaves open does not swallow %s of its proxy',
    (added) => {
      for (const sent of [
        'for=6.6.6.6;x="',
        'for="6.6.6.6',
        '"',
        'for=6.6.6.6;x="\\',
        'for=6.6.6.6;x="a"b"',
        'x=",for=6.6.6.6;"',
      ]) {
        expect(forwarded(trusted, `${sent}, ${added}`)).toBe('9.9.9.9')
      }
    },
  )

  test('says the scheme of the same hop', () => {
    const view = seen(
      { proxies: trusted, header: 'forwarded' },
      { forwarded: 'for=1.2.3.4;proto=https, for=10.0.0.1;proto=http' },
    )
    expect(view).toMatchObject({ client: { address: '1.2.3.4' }, scheme: 'https' })
    const hidden = seen({ proxies: trusted, header: 'forwarded' }, { forwarded: 'for=6.6.6.6;proto=http, for=_x;proto=https' })
    expect(hidden).toMatchObject({ client: { address: PEER }, scheme: 'https' })
  })

  test('is the only header that is read when it is the one named', () => {
    const both = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https', forwarded: 'for=1.2.3.4' }
    expect(seen({ proxies: trusted, header: 'forwarded' }, both)).toMatchObject({
      client: { address: '1.2.3.4' },
      scheme: 'http',
    })
    expect(seen(trusted, both)).toMatchObject({ client: { address: '6.6.6.6' }, scheme: 'https' })
  })
})

describe('any chain of proxies', () => {
  /** One hop as both headers write it. Without an address where it cannot be read. */
  interface Hop {
    readonly plain: string
    readonly quoted: string
    readonly address?: string
  }
  const ipv4 = (address: string) =>
    fc.constantFrom<Hop>(
      { address, plain: address, quoted: address },
      { address, plain: `${address}:80`, quoted: `"${address}:80"` },
      { address, plain: `::ffff:${address}`, quoted: `"[::FFFF:${address}]:80"` },
    )
  const ipv6 = (address: string) =>
    fc.constantFrom<Hop>(
      { address, plain: address, quoted: `"[${address}]"` },
      { address, plain: `[${address}]:80`, quoted: `"[${address}]:_x"` },
      { address, plain: `${address.toUpperCase()}%eth0`, quoted: `"[${address.toUpperCase()}%eth0]"` },
    )
  const last = fc.integer({ min: 1, max: 255 })
  const hop = fc.oneof(
    { weight: 4, arbitrary: last.chain((byte) => ipv4(`10.0.0.${byte}`)) },
    { weight: 2, arbitrary: last.chain((byte) => ipv4(`203.0.113.${byte}`)) },
    { weight: 1, arbitrary: last.chain((byte) => ipv6(`2001:db8::${byte.toString(16)}`)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'unknown', '_x', '1.2.3.400', '"').map((text): Hop => ({ plain: text, quoted: text })),
    },
  )
  const space = fc.constantFrom('', ' ', '\t ')

  /** The rule said in the plainest way. */
  function expected(hops: readonly Hop[]): string {
    let found = PEER
    for (const { address } of [...hops].reverse().slice(0, 32)) {
      if (address === undefined) return found
      found = address
      if (!found.startsWith('10.')) return found
    }
    return found
  }

  test('gives the last address that is not trusted', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hop, space), { maxLength: 40 }), (parts) => {
        const answer = expected(parts.map(([each]) => each))
        const plain = parts.map(([each, gap]) => gap + each.plain + gap)
        const quoted = parts.map(([each, gap]) => `${gap}proto=http;for=${each.quoted}${gap}`)
        expect(forwardedFor(['10.0.0.0/8'], plain.join(','))).toBe(answer)
        expect(forwarded(['10.0.0.0/8'], quoted.join(','))).toBe(answer)
      }),
      { seed: 20_26, numRuns: 500 },
    )
  })

  test('gives an address, whatever the header holds, and that which the proxy added', () => {
    const pieces = ['for=', '1.2.3.4', '10.0.0.1', ',', ';', '"', '\\', '[', ']', ':', '%', ' ', '=', 'proto=https']
    const value = fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join(''))
    fc.assert(
      fc.property(value, (text) => {
        for (const found of [forwardedFor(1, text), forwarded(1, text)]) expect(canonicalAddress(found)).toBe(found)
        expect(forwarded(['10.0.0.0/8'], `${text}, for=9.9.9.9`)).toBe('9.9.9.9')
        expect(forwardedFor(['10.0.0.0/8'], `${text}, 9.9.9.9`)).toBe('9.9.9.9')
      }),
      { seed: 20_26, numRuns: 2_000 },
    )
  })
})

describe('time grows no faster than the header', () => {
  test.each([
    ['hops', (n: number) => '10.0.0.1,'.repeat(n / 9)],
    ['commas', (n: number) => ','.repeat(n)],
    ['quotes', (n: number) => '"'.repeat(n + 1)],
    ['open quotes and commas', (n: number) => `for=6.6.6.6,${'",",'.repeat(n / 4)}"`],
    ['backslashes', (n: number) => `"${'\\'.repeat(n)}`],
    ['semicolons', (n: number) => ';'.repeat(n)],
    ['spaces', (n: number) => `for=${' '.repeat(n)}x`],
    ['pairs', (n: number) => 'a=b;'.repeat(n / 4)],
    ['an open quoted string', (n: number) => `for="${'a'.repeat(n)}"x`],
    ['brackets', (n: number) => `for=${'['.repeat(n)}`],
  ])('of many %s', (_, input) => {
    expect(growth(input, (text) => void forwarded(['10.0.0.0/8'], text))).toBeLessThan(LINEAR)
    expect(growth(input, (text) => void forwardedFor(['10.0.0.0/8'], text))).toBeLessThan(LINEAR)
  })
})

describe('a wrong option stops the start', () => {
  const either = 'must be a list of addresses and CIDR ranges, or how many proxies stand before us (0 to 32)'
  test.each<[unknown, string, string]>([
    ['loopback', 'trustedProxies', `trustedProxies ${either} (got "loopback")`],
    ['10.0.0.0/8', 'trustedProxies', either],
    [-1, 'trustedProxies', `${either} (got -1)`],
    [1.5, 'trustedProxies', `${either} (got 1.5)`],
    [33, 'trustedProxies', `${either} (got 33)`],
    [Number.NaN, 'trustedProxies', `${either} (got NaN)`],
    [Number.POSITIVE_INFINITY, 'trustedProxies', either],
    [true, 'trustedProxies', `${either} (got true)`],
    [null, 'trustedProxies', `${either} (got null)`],
    [() => true, 'trustedProxies', `${either} (got a function)`],
    [
      ['::ffff:10.0.0.0/8'],
      'trustedProxies[0]',
      'must be an IP address or a CIDR range such as 10.0.0.0/8 (got "::ffff:10.0.0.0/8")',
    ],
    [['10.0.0.0/8', 10], 'trustedProxies[1]', 'must be a string'],
    [['10.0.0.0/8', 'loopback'], 'trustedProxies[1]', 'must be an IP address or a CIDR range'],
    [{}, 'trustedProxies.proxies', 'a whole number from 0 to 32 (got undefined)'],
    [{ proxies: '10.0.0.0/8' }, 'trustedProxies.proxies', 'must be a list of addresses and CIDR ranges, or a whole number'],
    [{ proxies: -1 }, 'trustedProxies.proxies', '(got -1)'],
    [{ proxies: ['10.0.0.0/99'] }, 'trustedProxies.proxies[0]', 'must be an IP address or a CIDR range'],
    [{ proxies: 1, header: 'x-real-ip' }, 'trustedProxies.header', 'must be "x-forwarded-for" or "forwarded"'],
    [{ proxies: 1, headers: 'forwarded' }, 'trustedProxies.headers', 'did you mean header?'],
    [JSON.parse('{"proxies":1,"__proto__":1}'), 'trustedProxies.__proto__', 'is not an option'],
  ])('%j', (value, path, message) => {
    const error = thrown(() => clientResolver(value as TrustedProxies))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path })
    expect(error.message).toContain(message)
  })

  test('also where it is one option of several', () => {
    const checks: options.Checks<{ trustedProxies?: TrustedProxies }> = { trustedProxies: options.optional(trustedProxies) }
    expect(options.checkOptions('serve', { trustedProxies: 1 }, checks)).toEqual({ trustedProxies: 1 })
    expect(thrown(() => options.checkOptions('serve', { trustedProxies: ['x'] }, checks)).path).toBe('trustedProxies[0]')
  })
})
