import type { Socket } from 'node:net'
import { json, type ProxyHeader, readProxyHeader } from '@gatelet/core'
import { rawClient, rawRequest, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { head, serving, until } from './serving.ts'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

function v2(command: number, family: number, addresses: Buffer, extensions: Buffer = Buffer.alloc(0)): Buffer {
  const start = Buffer.alloc(4)
  start[0] = 0x20 | command
  start[1] = family
  start.writeUInt16BE(addresses.length + extensions.length, 2)
  return Buffer.concat([signature, start, addresses, extensions])
}

const ipv4 = (source: number[]) => Buffer.from([...source, 10, 0, 0, 1, 0x04, 0xd2, 0x00, 0x50])
const ipv6 = (source: number[]) => Buffer.from([...source, ...Array(16).fill(1), 0x04, 0xd2, 0x00, 0x50])
const v1 = (text: string) => Buffer.from(`${text}\r\n`, 'latin1')

const extension = Buffer.concat([Buffer.from([0x02, 0, 7]), Buffer.from('a.test!'), Buffer.from([0xea, 0, 3, 1, 2, 3])])
const doc6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]

const right: Record<string, [header: Buffer, address: string | undefined]> = {
  'v1 TCP4': [v1('PROXY TCP4 192.0.2.7 10.0.0.1 1234 80'), '192.0.2.7'],
  'v1 TCP6': [v1('PROXY TCP6 2001:DB8:0:0::7 ::1 1234 80'), '2001:db8::7'],
  'v1 TCP6 with a mapped address': [v1('PROXY TCP6 ::ffff:192.0.2.7 ::1 1234 80'), '192.0.2.7'],
  'v1 UNKNOWN': [v1('PROXY UNKNOWN'), undefined],
  'v1 UNKNOWN with more': [v1('PROXY UNKNOWN ffff::1 ffff::1 65535 65535'), undefined],
  'v2 TCP4': [v2(1, 0x11, ipv4([192, 0, 2, 7])), '192.0.2.7'],
  'v2 TCP4 with extensions': [v2(1, 0x11, ipv4([192, 0, 2, 7]), extension), '192.0.2.7'],
  'v2 TCP6': [v2(1, 0x21, ipv6(doc6)), '2001:db8::7'],
  'v2 TCP6 with extensions': [v2(1, 0x21, ipv6(doc6), extension), '2001:db8::7'],
  'v2 Unix': [v2(1, 0x31, Buffer.alloc(216)), undefined],
  'v2 unspecified': [v2(1, 0x00, Buffer.alloc(0)), undefined],
  'v2 LOCAL': [v2(0, 0x00, Buffer.alloc(0)), undefined],
  'v2 LOCAL with addresses': [v2(0, 0x11, ipv4([192, 0, 2, 7])), undefined],
}

const wrong: Record<string, Buffer> = {
  HTTP: Buffer.from('GET / HTTP/1.1\r\n'),
  TLS: Buffer.from([0x16, 3, 1]),
  'v1 without an end': Buffer.from(`PROXY TCP4 ${'1'.repeat(120)}`),
  'v1 with an IPv6 address as TCP4': v1('PROXY TCP4 ::1 ::1 1 2'),
  'v1 with a name': v1('PROXY TCP4 a.test b.test 1 2'),
  'v1 with leading zeros': v1('PROXY TCP4 010.0.0.1 10.0.0.1 1 2'),
  'v1 with a port that is none': v1('PROXY TCP4 10.0.0.1 10.0.0.1 1 65536'),
  'v1 without ports': v1('PROXY TCP4 10.0.0.1 10.0.0.1'),
  'v1 with more at the end': v1('PROXY TCP4 10.0.0.1 10.0.0.1 1 2 3'),
  'v1 with two spaces': v1('PROXY TCP4  10.0.0.1 10.0.0.1 1 2'),
  'v1 of another protocol': v1('PROXY UDP4 10.0.0.1 10.0.0.1 1 2'),
  'v2 of another version': v2(0x11, 0x11, ipv4([1, 2, 3, 4])),
  'v2 with another command': v2(2, 0x11, ipv4([1, 2, 3, 4])),
  'v2 that is too short for its addresses': v2(1, 0x21, ipv4([1, 2, 3, 4])),
  'v2 of another family': v2(1, 0x41, ipv4([1, 2, 3, 4])),
  'v2 of a length beyond the bound': Buffer.concat([signature, Buffer.from([0x21, 0x11, 0xff, 0xff])]),
  'v2 whose signature is broken': Buffer.concat([signature.subarray(0, 11), Buffer.from('x')]),
}

describe('a PROXY header', () => {
  test.for(Object.entries(right))('%s is read', ([, [header, address]]) => {
    const expected: ProxyHeader = { length: header.length, address, port: address === undefined ? undefined : 1_234 }
    expect(readProxyHeader(Buffer.concat([header, Buffer.from('GET')]))).toEqual(expected)
  })

  test.for(Object.entries(right))('%s asks for more until its last byte', ([, [header]]) => {
    for (let length = 0; length < header.length; length++) expect(readProxyHeader(header.subarray(0, length))).toBeUndefined()
  })

  test.for(Object.entries(wrong))('%s is refused', ([, header]) => {
    expect(readProxyHeader(header)).toBe('invalid')
  })

  test('whatever comes, is answered within bounds', () => {
    const start = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      signature,
      Buffer.concat([signature, Buffer.from([0x21, 0x11])]),
    )
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 5_000 }), (first, rest) => {
        const bytes = Buffer.concat([first, rest])
        const header = readProxyHeader(bytes)
        if (typeof header === 'object') expect(header.length).toBeLessThanOrEqual(Math.min(bytes.length, 4_096))
        // No more than the bound is ever waited for.
        if (header === undefined) expect(bytes.length).toBeLessThan(4_096)
      }),
      { seed: 7, numRuns: 2_000 },
    )
  })
})

describe('connections from a peer that announces itself', () => {
  const options = { proxyProtocol: { from: ['127.0.0.0/8'] } }
  const whoAmI = head('GET /', 'Connection: close\r\n')

  test.for(Object.entries(right))('%s tells the address of the client', async ([, [header, address]]) => {
    await using server = await serving((ctx) => json(ctx.request.client), options)
    const { responses } = await rawRequest(server.port, Buffer.concat([header, Buffer.from(whoAmI)]))
    const expected = address ?? '127.0.0.1'
    expect(JSON.parse(responses[0]?.text ?? '')).toEqual({ address: expected, peer: expected, viaTrustedProxy: false })
  })

  test.for(['v1 TCP4', 'v2 TCP6 with extensions'])(
    '%s may be split at every byte, and what follows is not lost',
    async (kind) => {
      await using server = await serving((ctx) => json([ctx.request.client.address, ctx.request.target]), options)
      const [header, address] = right[kind] as [Buffer, string]
      const all = Buffer.concat([header, Buffer.from(head('GET /1') + head('GET /2', 'Connection: close\r\n'))])
      let accepted: Socket | undefined
      server.server.on('connection', (socket: Socket) => {
        accepted = socket
      })
      const splitAt = async (at: number) => {
        accepted = undefined
        await using client = await rawClient(server.port)
        client.write(all.subarray(0, at))
        await until(() => accepted?.bytesRead === at)
        client.write(all.subarray(at))
        return [(await client.response()).text, (await client.response()).text]
      }
      for (let at = 1; at <= header.length + 20; at++) {
        expect(await splitAt(at)).toEqual([`["${address}","/1"]`, `["${address}","/2"]`])
      }
    },
  )

  test('is asked for it once: a socket that goes back to the parser keeps its address', async () => {
    await using server = await serving((ctx) => json(ctx.request.client.address), options)
    await using client = await rawClient(server.port)
    client.write('PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n')
    client.write(head('GET /', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'))
    client.write(head('GET /'))
    expect([(await client.response()).text, (await client.response()).text]).toEqual(['"192.0.2.7"', '"192.0.2.7"'])
  })

  test('can itself be behind a trusted proxy', async () => {
    await using server = await serving((ctx) => json(ctx.request.client.address), {
      ...options,
      trustedProxies: ['192.0.2.0/24'],
    })
    const request = head('GET /', 'X-Forwarded-For: 198.51.100.9\r\nConnection: close\r\n')
    const { responses } = await rawRequest(server.port, `PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n${request}`)
    expect(responses[0]?.text).toBe('"198.51.100.9"')
  })

  test.for(Object.entries(wrong))('%s closes the connection without an answer', async ([, header]) => {
    await using server = await serving(() => json('ran'), options)
    const { text, closed } = await rawRequest(server.port, Buffer.concat([header, Buffer.from(whoAmI)]))
    expect([text, closed === 'open']).toEqual(['', false])
    await until(() => server.connections === 0)
  })

  test('silence closes the connection', async () => {
    const clock = virtualClock()
    await using server = await serving(() => json('ran'), { ...options, clock })
    await using client = await rawClient(server.port)
    client.write('PROXY TCP4')
    await until(() => server.connections === 1)
    await clock.advance(5_000)
    await client.left()
  })

  test('leaving in the middle of the header leaves nothing behind', async () => {
    const clock = virtualClock()
    await using server = await serving(() => json('ran'), { ...options, clock })
    const timers = clock.pending
    for (const how of ['reset', 'end'] as const) {
      await using client = await rawClient(server.port)
      client.write('PROXY TCP4')
      await until(() => server.connections === 1)
      await client[how]()
      await until(() => server.connections === 0)
    }
    expect(clock.pending).toBe(timers)
  })

  test('closing does not wait for a header', async () => {
    await using server = await serving(() => json('ran'), options)
    await using client = await rawClient(server.port)
    client.write('PROXY ')
    await until(() => server.connections === 1)
    expect(await server.close()).toEqual({ cut: 0 })
  })
})

test.for(['v1 TCP4', 'v2 TCP4'])('%s from anybody else is no HTTP', async (kind) => {
  let runs = 0
  await using server = await serving(() => json(runs++), { proxyProtocol: { from: ['192.0.2.1'] } })
  const [header] = right[kind] as [Buffer, string]
  const { responses } = await rawRequest(server.port, Buffer.concat([header, Buffer.from(head('GET /'))]))
  expect([responses.map(({ status }) => status), runs]).toEqual([[400], 0])
  expect((await rawRequest(server.port, head('GET /', 'Connection: close\r\n'))).responses[0]?.status).toBe(200)
})
