import { type RunningServer, serve } from '@gatelet/node'
import { webSocket } from '@gatelet/websocket'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acceptOf, frame, goodbye, handshake, KEY, op, RawWebSocket } from './raw-frames.ts'

const MAX_BYTES = 100_000

let server: RunningServer
let compressing: RunningServer

beforeAll(async () => {
  const echo = (compress: boolean) =>
    webSocket({
      maxMessageBytes: MAX_BYTES,
      protocols: ['chat', 'news'],
      compress,
      onConnection: (client) => client.onMessage(async (message) => void (await client.send(message))),
    })
  server = await serve(echo(false), { host: '127.0.0.1', port: 0 })
  compressing = await serve(echo(true), { host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await server.close({ graceMs: 100 })
  await compressing.close({ graceMs: 100 })
})

const bye = frame(op.close, goodbye(1000))

/** What comes back for these bytes, and then for a goodbye. @param count how many frames to wait for before it */
async function played(bytes: readonly Uint8Array[], count: number, isDribbled = false): Promise<[number, Buffer][]> {
  const client = await RawWebSocket.open(server.url)
  const all = Buffer.concat([...bytes])
  if (isDribbled) await client.dribble(all)
  else client.write(all)
  await client.some(count)
  client.write(bye)
  const frames = await client.all()
  expect(frames.every(({ isMasked, first }) => !isMasked && (first & 0x70) === 0)).toBe(true)
  return frames.map(({ opcode, payload }) => [opcode, payload])
}

const text = (payload: string): [number, Buffer] => [op.text, Buffer.from(payload)]
const binary = (payload: Buffer): [number, Buffer] => [op.binary, payload]
const pong = (payload = ''): [number, Buffer] => [op.pong, Buffer.from(payload)]
const closed: [number, Buffer] = [op.close, goodbye(1000)]
const noise = (length: number) => Buffer.alloc(length, 'noise')
const letters = (length: number) => 'a'.repeat(length)

interface Right {
  readonly name: string
  readonly sends: readonly Uint8Array[]
  readonly gets: readonly [number, Buffer][]
}

const right: Right[] = [
  ...[0, 1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537, MAX_BYTES].flatMap((length): Right[] => [
    { name: `§5.2 a text of ${length} bytes`, sends: [frame(op.text, letters(length))], gets: [text(letters(length))] },
    { name: `§5.2 bytes, ${length} of them`, sends: [frame(op.binary, noise(length))], gets: [binary(noise(length))] },
  ]),
  { name: '§5.3 a mask of zeros', sends: [frame(op.text, 'plain', { mask: [0, 0, 0, 0] })], gets: [text('plain')] },
  { name: '§5.3 a mask of ones', sends: [frame(op.text, 'plain', { mask: [255, 255, 255, 255] })], gets: [text('plain')] },
  {
    name: '§5.3 another mask for each fragment',
    sends: [frame(op.text, 'one', { fin: false, mask: [1, 2, 3, 4] }), frame(op.continuation, 'two', { mask: [9, 8, 7, 6] })],
    gets: [text('onetwo')],
  },
  // More bytes of length than are needed are the sender's fault, and harm nobody.
  { name: '§5.2 a short length in 16 bits', sends: [frame(op.text, 'short', { lengthBits: 16 })], gets: [text('short')] },
  { name: '§5.2 a short length in 64 bits', sends: [frame(op.text, 'short', { lengthBits: 64 })], gets: [text('short')] },
  { name: '§5.2 no bytes, said in 16 bits', sends: [frame(op.binary, '', { lengthBits: 16 })], gets: [binary(noise(0))] },
  {
    name: '§5.4 two fragments',
    sends: [frame(op.text, 'Hel', { fin: false }), frame(op.continuation, 'lo')],
    gets: [text('Hello')],
  },
  {
    name: '§5.4 bytes in three fragments',
    sends: [frame(op.binary, 'a', { fin: false }), frame(op.continuation, 'b', { fin: false }), frame(op.continuation, 'c')],
    gets: [binary(Buffer.from('abc'))],
  },
  {
    name: '§5.4 an empty first fragment',
    sends: [frame(op.text, '', { fin: false }), frame(op.continuation, 'x')],
    gets: [text('x')],
  },
  {
    name: '§5.4 an empty last fragment',
    sends: [frame(op.text, 'x', { fin: false }), frame(op.continuation)],
    gets: [text('x')],
  },
  {
    name: '§5.4 nothing but empty fragments',
    sends: [frame(op.text, '', { fin: false }), frame(op.continuation, '', { fin: false }), frame(op.continuation)],
    gets: [text('')],
  },
  {
    name: '§5.4 a fragment for each of 1,000 bytes',
    sends: [
      frame(op.text, 'a', { fin: false }),
      ...Array.from({ length: 998 }, () => frame(op.continuation, 'a', { fin: false })),
      frame(op.continuation, 'a'),
    ],
    gets: [text(letters(1_000))],
  },
  {
    name: '§5.4 a ping between fragments',
    sends: [frame(op.text, 'Hel', { fin: false }), frame(op.ping, '?'), frame(op.continuation, 'lo')],
    gets: [pong('?'), text('Hello')],
  },
  {
    name: '§5.4 pings between all fragments',
    sends: [
      frame(op.binary, '1', { fin: false }),
      frame(op.ping, 'a'),
      frame(op.continuation, '2', { fin: false }),
      frame(op.ping, 'b'),
      frame(op.continuation, '3'),
    ],
    gets: [pong('a'), pong('b'), binary(Buffer.from('123'))],
  },
  {
    name: '§5.4 a pong between fragments',
    sends: [frame(op.text, 'Hel', { fin: false }), frame(op.pong, '!'), frame(op.continuation, 'lo')],
    gets: [text('Hello')],
  },
  {
    name: '§5.4 one fragmented message after the other',
    sends: [
      frame(op.text, 'a', { fin: false }),
      frame(op.continuation, 'b'),
      frame(op.binary, 'c', { fin: false }),
      frame(op.continuation, 'd'),
    ],
    gets: [text('ab'), binary(Buffer.from('cd'))],
  },
  { name: '§5.4 a goodbye in the middle of a message', sends: [frame(op.text, 'never', { fin: false })], gets: [] },
  ...[0, 1, 124, 125].map(
    (length): Right => ({
      name: `§5.5.2 a ping of ${length} bytes`,
      sends: [frame(op.ping, letters(length))],
      gets: [pong(letters(length))],
    }),
  ),
  { name: '§5.5.2 a ping of letters that are no ASCII', sends: [frame(op.ping, 'ÿ')], gets: [pong('ÿ')] },
  { name: '§5.5.3 a pong that nobody asked for', sends: [frame(op.pong, 'here')], gets: [] },
  { name: '§5.5.3 ten pongs', sends: Array.from({ length: 10 }, () => frame(op.pong)), gets: [] },
  {
    name: '§5.6 messages in order',
    sends: [frame(op.text, '1'), frame(op.binary, '2')],
    gets: [text('1'), binary(Buffer.from('2'))],
  },
  { name: '§5.6 a byte order mark', sends: [frame(op.text, '\uFEFFx')], gets: [text('\uFEFFx')] },
  ...['ä', '€', '𝄞', '\u0000', '\u{10FFFF}', '\uFFFE', 'κόσμε'].map(
    (letter): Right => ({
      name: `§8.1 the text ${JSON.stringify(letter)}`,
      sends: [frame(op.text, letter)],
      gets: [text(letter)],
    }),
  ),
  ...[1, 2, 3].map((at): Right => {
    const clef = Buffer.from('𝄞')
    return {
      name: `§5.6 a letter of four bytes cut behind the first ${at}`,
      sends: [frame(op.text, clef.subarray(0, at), { fin: false }), frame(op.continuation, clef.subarray(at))],
      gets: [text('𝄞')],
    }
  }),
  {
    name: '§5.6 bytes that are no UTF-8, as bytes',
    sends: [frame(op.binary, Buffer.from([0xc0, 0xff]))],
    gets: [binary(Buffer.from([0xc0, 0xff]))],
  },
]

test.each(right)('takes $name', async ({ sends, gets }) => {
  expect(await played(sends, gets.length)).toEqual([...gets, closed])
})

test.each(right.filter(({ sends }) => Buffer.concat([...sends]).length < 400))(
  'takes $name, byte by byte',
  async ({ sends, gets }) => {
    expect(await played(sends, gets.length, true)).toEqual([...gets, closed])
  },
)

interface Wrong {
  readonly name: string
  readonly sends: readonly Uint8Array[]
  readonly code: number
}

const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
const badTexts: [string, number[]][] = [
  ['a byte that none begins with', [0xff]],
  ['a continuation byte alone', [0x80]],
  ['a letter that is cut', [0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong NUL', [0xe0, 0x80, 0x80]],
  ['half a surrogate pair', [0xed, 0xa0, 0x80]],
  ['a letter beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['five bytes for a letter', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['good text with a bad end', [0x61, 0x62, 0xc3]],
]

const wrong: Wrong[] = [
  { name: '§5.1 text without a mask', sends: [frame(op.text, 'x', { masked: false })], code: 1002 },
  { name: '§5.1 bytes without a mask', sends: [frame(op.binary, 'x', { masked: false })], code: 1002 },
  { name: '§5.1 a ping without a mask', sends: [frame(op.ping, 'x', { masked: false })], code: 1002 },
  { name: '§5.1 a goodbye without a mask', sends: [frame(op.close, goodbye(1000), { masked: false })], code: 1002 },
  {
    name: '§5.1 a second fragment without a mask',
    sends: [frame(op.text, 'x', { fin: false }), frame(op.continuation, 'y', { masked: false })],
    code: 1002,
  },
  ...[1, 2, 3, 4, 5, 6, 7].map(
    (rsv): Wrong => ({ name: `§5.2 text with RSV bits ${rsv}`, sends: [frame(op.text, 'x', { rsv })], code: 1002 }),
  ),
  ...[1, 2, 4].flatMap((rsv): Wrong[] => [
    { name: `§5.2 a ping with RSV bits ${rsv}`, sends: [frame(op.ping, 'x', { rsv })], code: 1002 },
    { name: `§5.2 a goodbye with RSV bits ${rsv}`, sends: [frame(op.close, goodbye(1000), { rsv })], code: 1002 },
    {
      name: `§5.2 a second fragment with RSV bits ${rsv}`,
      sends: [frame(op.text, 'x', { fin: false }), frame(op.continuation, 'y', { rsv })],
      code: 1002,
    },
  ]),
  ...reservedOpcodes.map(
    (code): Wrong => ({ name: `§5.2 opcode ${code}, which means nothing`, sends: [frame(code, 'x')], code: 1002 }),
  ),
  { name: '§5.2 opcode 3 between fragments', sends: [frame(op.text, 'x', { fin: false }), frame(3, 'y')], code: 1002 },
  {
    name: '§5.2 a length with its highest bit set',
    sends: [frame(op.binary, '', { lengthBits: 64, says: 2n ** 63n })],
    code: 1009,
  },
  { name: '§5.2 a length of 2^53', sends: [frame(op.binary, '', { lengthBits: 64, says: 2n ** 53n })], code: 1009 },
  { name: '§5.2 a length of 4 GiB', sends: [frame(op.binary, '', { lengthBits: 64, says: 2n ** 32n })], code: 1009 },
  { name: '§5.4 a continuation of nothing', sends: [frame(op.continuation, 'x')], code: 1002 },
  { name: '§5.4 an unfinished continuation of nothing', sends: [frame(op.continuation, 'x', { fin: false })], code: 1002 },
  { name: '§5.4 a continuation after the end', sends: [frame(op.text, 'x'), frame(op.continuation, 'y')], code: 1002 },
  { name: '§5.4 a text within a text', sends: [frame(op.text, 'x', { fin: false }), frame(op.text, 'y')], code: 1002 },
  { name: '§5.4 bytes within a text', sends: [frame(op.text, 'x', { fin: false }), frame(op.binary, 'y')], code: 1002 },
  { name: '§5.5 a ping in fragments', sends: [frame(op.ping, 'x', { fin: false })], code: 1002 },
  { name: '§5.5 a pong in fragments', sends: [frame(op.pong, 'x', { fin: false })], code: 1002 },
  { name: '§5.5 a goodbye in fragments', sends: [frame(op.close, goodbye(1000), { fin: false })], code: 1002 },
  { name: '§5.5 a ping of 126 bytes', sends: [frame(op.ping, letters(126))], code: 1002 },
  { name: '§5.5 a pong of 126 bytes', sends: [frame(op.pong, letters(126))], code: 1002 },
  { name: '§5.5 a goodbye of 126 bytes', sends: [frame(op.close, goodbye(1000, letters(124)))], code: 1002 },
  { name: '§5.5 a ping of 70,000 bytes', sends: [frame(op.ping, letters(70_000))], code: 1002 },
  { name: '§5.5 a short ping whose length has 16 bits', sends: [frame(op.ping, 'x', { lengthBits: 16 })], code: 1002 },
  { name: '§5.5.1 a goodbye of one byte', sends: [frame(op.close, Buffer.from([3]))], code: 1002 },
  { name: '§7.1.6 a goodbye whose reason is no UTF-8', sends: [frame(op.close, goodbye(1000, Buffer.from([0xff])))], code: 1007 },
  ...badTexts.map(([name, bytes]): Wrong => ({ name: `§8.1 ${name}`, sends: [frame(op.text, Buffer.from(bytes))], code: 1007 })),
  ...badTexts.map(
    ([name, bytes]): Wrong => ({
      name: `§8.1 ${name}, in fragments`,
      sends: [
        ...bytes.map((byte, at) => frame(at ? op.continuation : op.text, Buffer.from([byte]), { fin: false })),
        frame(op.continuation),
      ],
      code: 1007,
    }),
  ),
  { name: '§10.4 a message that is one byte too long', sends: [frame(op.binary, noise(MAX_BYTES + 1))], code: 1009 },
  {
    name: '§10.4 a long message that has only announced itself',
    sends: [frame(op.text, '', { lengthBits: 64, says: 100_001n })],
    code: 1009,
  },
  {
    name: '§10.4 fragments that are too long together',
    sends: [frame(op.binary, noise(60_000), { fin: false }), frame(op.continuation, noise(60_000))],
    code: 1009,
  },
  {
    name: '§10.4 a flood of empty fragments',
    sends: [
      frame(op.text, '', { fin: false }),
      Buffer.concat(Array.from({ length: 20_000 }, () => frame(op.continuation, '', { fin: false }))),
    ],
    code: 1008,
  },
  { name: '§5.1 a request of HTTP on an open connection', sends: [Buffer.from('GET / HTTP/1.1\r\n\r\n')], code: 1002 },
]

test.each(wrong)('closes with $code after $name', async ({ sends, code }) => {
  const client = await RawWebSocket.open(server.url)
  for (const bytes of sends) client.write(bytes)
  expect(await client.closeCode()).toBe(code)
})

test.each(wrong.slice(0, 24))('says back what came before $name', async ({ sends, code }) => {
  const client = await RawWebSocket.open(server.url)
  client.write(frame(op.text, 'before'))
  expect((await client.some(1))[0]?.payload.toString()).toBe('before')
  client.write(Buffer.concat([...sends]))
  expect(await client.closeCode()).toBe(code)
})

describe('§7 goodbyes', () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'gives back %d',
    async (code) => {
      const client = await RawWebSocket.open(server.url)
      client.write(frame(op.close, goodbye(code, 'gone')))
      expect(await client.closeCode()).toBe(code)
    },
  )

  test.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    'closes with 1002 after %d, which is not to be sent',
    async (code) => {
      const client = await RawWebSocket.open(server.url)
      client.write(frame(op.close, goodbye(code)))
      expect(await client.closeCode()).toBe(1002)
    },
  )

  test('gives back a goodbye without a code', async () => {
    const client = await RawWebSocket.open(server.url)
    client.write(frame(op.close))
    expect(await client.closeCode()).toBe(1005)
  })

  test('takes a reason of 123 bytes', async () => {
    const client = await RawWebSocket.open(server.url)
    client.write(frame(op.close, goodbye(1000, `${'ä'.repeat(61)}x`)))
    expect(await client.closeCode()).toBe(1000)
  })

  test.each([
    ['a message', frame(op.text, 'late')],
    ['a ping', frame(op.ping, 'late')],
    ['another goodbye', frame(op.close, goodbye(1001))],
    ['garbage', Buffer.from([0xff, 0xff, 0xff])],
  ])('answers nothing to %s behind the goodbye', async (_, late) => {
    const client = await RawWebSocket.open(server.url)
    client.write(Buffer.concat([bye, late]))
    expect((await client.all()).map(({ opcode, payload }) => [opcode, payload])).toEqual([closed])
  })
})

describe('§4 handshakes', () => {
  const answer = async (head: string) => {
    const client = new RawWebSocket(server.url)
    client.write(head)
    const got = await client.head()
    client.destroy()
    return got
  }

  test.each([
    ['as in the RFC', {}],
    ['with Upgrade in other letters', { Upgrade: 'WebSocket' }],
    ['with Connection in other letters', { Connection: 'upgrade' }],
    ['with more in Connection', { Connection: 'keep-alive, Upgrade' }],
    ['with an Origin of the same host', { Origin: 'https://gateway.example' }],
    ['with a compression that we do not speak', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }],
    ['with an extension that nobody knows', { 'Sec-WebSocket-Extensions': 'x-multiplex; a=1, y' }],
    ['with fields of other purposes', { 'User-Agent': 'x', Cookie: 'a=b' }],
  ])('answers one %s', async (_, fields) => {
    const head = await answer(handshake(fields))
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).toMatch(/\r\nUpgrade: websocket\r\n/i)
    expect(head).toMatch(/\r\nConnection: Upgrade\r\n/i)
    expect(head).toContain(`Sec-WebSocket-Accept: ${acceptOf(KEY)}\r\n`)
    expect(head).not.toMatch(/sec-websocket-(extensions|protocol)/i)
  })

  test('knows the accept value of the RFC', () => {
    expect(acceptOf(KEY)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  test.each([
    ['the only one', 'chat', 'chat'],
    ['ours, of several', 'other, news', 'news'],
    ['the one that we like best', 'news, chat', 'chat'],
  ])('chooses a subprotocol: %s', async (_, offered, chosen) => {
    expect(await answer(handshake({ 'Sec-WebSocket-Protocol': offered }))).toContain(`Sec-WebSocket-Protocol: ${chosen}\r\n`)
  })

  test('chooses no subprotocol that it does not speak', async () => {
    const head = await answer(handshake({ 'Sec-WebSocket-Protocol': 'other' }))
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).not.toMatch(/sec-websocket-protocol/i)
  })

  test.each([
    ['without a key', { 'Sec-WebSocket-Key': null }, 400],
    ['with an empty key', { 'Sec-WebSocket-Key': '' }, 400],
    ['with a key of 15 bytes', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' }, 400],
    ['with a key of 17 bytes', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' }, 400],
    ['with a key that is no base64', { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, 400],
    ['without a version', { 'Sec-WebSocket-Version': null }, 426],
    ['of version 8', { 'Sec-WebSocket-Version': '8' }, 426],
    ['of version 14', { 'Sec-WebSocket-Version': '14' }, 426],
    ['of versions 13, 8', { 'Sec-WebSocket-Version': '13, 8' }, 426],
    ['of a version that is no number', { 'Sec-WebSocket-Version': 'x' }, 426],
    ['of another page', { Origin: 'https://evil.example' }, 403],
    ['of a page without an origin', { Origin: 'null' }, 403],
    ['without Upgrade', { Upgrade: null }, 426],
    ['without Connection', { Connection: null }, 426],
    ['to another protocol', { Upgrade: 'h2c' }, 426],
    ['without Host', { Host: null }, 400],
    ['with a subprotocol that is no name', { 'Sec-WebSocket-Protocol': 'a b' }, 400],
    ['with a subprotocol twice', { 'Sec-WebSocket-Protocol': 'chat, chat' }, 400],
    ['with a body', { 'Content-Length': '5' }, 400],
  ] as [string, Record<string, string | null>, number][])('refuses one %s', async (_, fields, status) => {
    const head = await answer(handshake(fields))
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    if (status === 426 && 'Sec-WebSocket-Version' in fields) expect(head).toMatch(/\r\nsec-websocket-version: 13\r\n/i)
  })

  test.each(['POST', 'PUT', 'HEAD', 'OPTIONS'])('refuses one by %s', async (method) => {
    expect(await answer(handshake({}, `${method} /socket HTTP/1.1`))).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  test('refuses one of HTTP/1.0', async () => {
    expect(await answer(handshake({}, 'GET /socket HTTP/1.0'))).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  test('hears what comes in one packet with the handshake', async () => {
    const client = new RawWebSocket(server.url)
    client.write(Buffer.concat([Buffer.from(handshake()), frame(op.text, 'early')]))
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /)
    expect((await client.some(1))[0]?.payload.toString()).toBe('early')
    client.destroy()
  })
})

describe('RFC 7692', () => {
  test('compression is spoken where it is asked for, and keeps nothing between messages', async () => {
    const client = new RawWebSocket(compressing.url)
    client.write(handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }))
    expect(await client.head()).toMatch(/permessage-deflate; server_no_context_takeover/)
    client.destroy()
  })

  test('what is too long when it is inflated closes with 1009', async () => {
    const { deflateRawSync } = await import('node:zlib')
    const client = await RawWebSocket.open(compressing.url, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    client.write(frame(op.binary, deflateRawSync(Buffer.alloc(10_000_000)), { rsv: 4 }))
    expect(await client.closeCode()).toBe(1009)
  })

  test('what cannot be inflated closes with 1007', async () => {
    const client = await RawWebSocket.open(compressing.url, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    client.write(frame(op.text, Buffer.from([0xff, 0xff, 0xff, 0xff]), { rsv: 4 }))
    expect(await client.closeCode()).toBe(1007)
  })
})
