import assert from 'node:assert/strict'
import { type Body, type Context, empty, GatewayError, HeaderList, json, type Reply, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { message, Pushed, played, replying, type StartAdapter } from './scene.ts'

/** What becomes of replies that layers make. */
export function replyCases(start: StartAdapter): Case[] {
  /** One reply, one request. */
  const answered = async (reply: () => Reply | Promise<Reply>, line = 'GET /') =>
    played(start, { layer: reply }, (stage) => stage.ask(line))
  return [
    {
      name: 'sends a text, with its type and length',
      async run() {
        const { status, headers, text: body } = await answered(() => text('h\u00e9llo'))
        assert.deepEqual([status, body], [200, 'h\u00e9llo'])
        assert.deepEqual([headers.get('content-type'), headers.get('content-length')], ['text/plain; charset=utf-8', '6'])
      },
    },
    {
      name: 'sends a reply that comes later',
      async run() {
        const { text: body } = await answered(async () => {
          await new Promise((resolve) => setImmediate(resolve))
          return json({ later: true })
        })
        assert.deepEqual(JSON.parse(body), { later: true })
      },
    },
    {
      name: 'sends any status as it is, with its usual phrase',
      async run() {
        for (const [status, reason] of [
          [201, 'Created'],
          [303, 'See Other'],
          [404, 'Not Found'],
          [410, 'Gone'],
          [503, 'Service Unavailable'],
        ] as const) {
          const response = await answered(() => text('x', status))
          assert.deepEqual([response.status, response.reason, response.text], [status, reason, 'x'])
        }
      },
    },
    {
      name: 'sends several Set-Cookie, a line for each',
      async run() {
        const { headers } = await answered(() => {
          const reply = text('x')
          reply.headers.append('set-cookie', 'a=1; Path=/').append('Set-Cookie', 'b=2, 3')
          return reply
        })
        assert.deepEqual(headers.getSetCookie(), ['a=1; Path=/', 'b=2, 3'])
      },
    },
    {
      name: 'sends other fields of one name, a line or a list for each',
      async run() {
        const { headers } = await answered(() => {
          const reply = text('x')
          reply.headers.append('vary', 'accept').append('vary', 'origin')
          return reply
        })
        assert.equal(headers.get('vary'), 'accept, origin')
      },
    },
    {
      name: 'sends fields in latin1 and a body in UTF-8',
      async run() {
        const { headers, text: body } = await answered(() => text('\u20ac', { headers: { 'x-name': 'caf\xe9' } }))
        assert.deepEqual([headers.get('x-name'), body], ['caf\xe9', '\u20ac'])
      },
    },
    {
      name: 'sends bytes as they are, also a part of a larger buffer',
      async run() {
        const { body, headers } = await answered(() =>
          replying(new Uint8Array(Buffer.from([0, 1, 254, 255, 0x80])).subarray(1, 4)),
        )
        assert.deepEqual([[...body], headers.get('content-length')], [[1, 254, 255], '3'])
      },
    },
    {
      name: 'sends no type of its own',
      async run() {
        for (const body of ['<p>', Buffer.from('x'), null]) {
          const { headers } = await answered(() => replying(body))
          assert.equal(headers.get('content-type'), undefined)
        }
      },
    },
    {
      name: 'says of an empty body that it is empty, and keeps its status and type',
      async run() {
        for (const body of [null, ''] as const) {
          const {
            status,
            headers,
            body: bytes,
          } = await answered(() => replying(body, 401, { 'content-type': 'application/json' }))
          assert.deepEqual([status, headers.get('content-length'), bytes.byteLength], [401, '0', 0])
          assert.equal(headers.get('content-type'), 'application/json')
        }
      },
    },
    {
      name: 'puts a wrong Content-Length right where the whole body is there',
      async run() {
        for (const length of ['3', '500']) {
          const { headers, text: body } = await answered(() => replying('12345', 200, { 'Content-Length': length }))
          assert.deepEqual([headers.getAll('content-length'), body], [['5'], '12345'])
        }
      },
    },
    {
      name: 'leaves out what a layer says about framing and the connection',
      async run() {
        const { headers, text: body } = await answered(() =>
          replying('12345', 200, { 'Transfer-Encoding': 'gzip, chunked', 'Keep-Alive': 'timeout=9999', Trailer: 'x-sum' }),
        )
        assert.deepEqual([headers.get('content-length'), headers.get('transfer-encoding'), body], ['5', undefined, '12345'])
        assert.ok(!headers.get('keep-alive')?.includes('9999'), 'the Keep-Alive of a layer was sent')
        assert.equal(headers.get('trailer'), undefined)
      },
    },
    {
      name: 'ends the connection when a layer says so',
      run: () =>
        played(start, { layer: () => text('bye', { headers: { connection: 'close' } }) }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          const response = await client.response()
          assert.deepEqual([response.text, response.headers.get('connection')?.toLowerCase()], ['bye', 'close'])
          assert.equal(await client.left(), 'end')
        }),
    },
    {
      name: 'sends a large body whole',
      async run() {
        const { body } = await answered(() => replying(Buffer.alloc(3_000_000, 'ab')))
        assert.ok(body.equals(Buffer.alloc(3_000_000, 'ab')), `${body.byteLength} bytes came, or others`)
      },
    },
    ...emptyCases(start),
    ...errorCases(answered),
  ]
}

function emptyCases(start: StartAdapter): Case[] {
  const afterwards = async (
    stage: { readonly port: number },
    client: { write(data: Uint8Array): void; response(): Promise<{ text: string }> },
  ) => {
    client.write(message('GET /next'))
    assert.equal((await client.response()).text, 'next', 'the next reply on the connection is not whole')
    return stage
  }
  const withoutBody = (name: string, line: string, status: number, check: (headers: HeaderList) => void): Case => ({
    name,
    async run() {
      const streams: Pushed[] = []
      const bodies: (() => Body)[] = [
        () => 'words',
        () => Buffer.from('words'),
        () => {
          const body = new Pushed()
          body.say('words')
          streams.push(body)
          return body
        },
      ]
      for (const body of bodies) {
        const layer = (ctx: Context) =>
          ctx.request.url.path === '/next' ? text('next') : replying(body(), status, { etag: '"1"' })
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message(line))
          const response = await client.response(line.startsWith('HEAD'))
          assert.deepEqual([response.status, response.body.byteLength, response.headers.get('etag')], [status, 0, '"1"'])
          check(response.headers)
          await afterwards(stage, client)
        })
      }
      for (const stream of streams) assert.ok(stream.told.cancelled, 'a stream that nobody gets goes on')
    },
  })
  return [
    withoutBody('sends a HEAD the head alone', 'HEAD /', 200, (headers) =>
      assert.equal(headers.get('transfer-encoding'), undefined),
    ),
    withoutBody('sends a 204 without content and without its length', 'GET /', 204, (headers) => {
      assert.deepEqual([headers.get('content-length'), headers.get('transfer-encoding')], [undefined, undefined])
    }),
    withoutBody('sends a 304 without content', 'GET /', 304, (headers) =>
      assert.equal(headers.get('transfer-encoding'), undefined),
    ),
    {
      name: 'tells a HEAD the length that a GET would have',
      async run() {
        await played(start, { layer: () => text('12345') }, async (stage) => {
          assert.equal((await stage.ask('HEAD /')).headers.get('content-length'), '5')
        })
        await played(start, { layer: () => empty({ status: 200, headers: { 'content-length': '777' } }) }, async (stage) => {
          assert.equal((await stage.ask('HEAD /')).headers.get('content-length'), '777')
        })
      },
    },
  ]
}

function errorCases(
  answered: (reply: () => Reply | Promise<Reply>) => Promise<{ status: number; headers: HeaderList; text: string }>,
): Case[] {
  const problemOf = async (reply: () => Reply | Promise<Reply>) => {
    const { status, headers, text } = await answered(reply)
    assert.equal(headers.get('content-type'), 'application/problem+json')
    return { ...JSON.parse(text), status, headers }
  }
  return [
    {
      name: 'makes a problem of an error that says which it is',
      async run() {
        const error = new GatewayError('QUEUE_FULL', { message: 'of 10.0.0.1', headers: { 'retry-after': '3' } })
        const { status, code, headers, ...rest } = await problemOf(() => {
          throw error
        })
        assert.deepEqual([status, code, headers.get('retry-after')], [503, 'QUEUE_FULL', '3'])
        assert.ok(!JSON.stringify(rest).includes('10.0.0.1'), 'the message of an error was sent')
      },
    },
    {
      name: 'makes a problem of whatever else is thrown, and tells nothing of it',
      async run() {
        for (const fail of [
          () => {
            throw new Error('secret')
          },
          () => Promise.reject(new Error('secret')),
          () => Promise.reject('secret'),
        ] as (() => never)[]) {
          const { status, code, headers, ...rest } = await problemOf(fail)
          assert.deepEqual([status, code], [500, 'INTERNAL'])
          assert.ok(!JSON.stringify(rest).includes('secret'), 'the message of an error was sent')
          assert.ok(headers.has('content-length'))
        }
      },
    },
    {
      name: 'makes a problem of what is no reply',
      async run() {
        for (const reply of [undefined, {}, { status: 99, headers: new HeaderList(), body: null }, { ...text('x'), body: 7 }]) {
          const { status, code } = await problemOf(() => reply as Reply)
          assert.deepEqual([status, code], [500, 'BAD_REPLY'])
        }
      },
    },
    {
      name: 'makes a problem of header fields that HTTP does not have',
      async run() {
        for (const raw of [
          ['x-a', 'b\r\nx-c: d'],
          ['x a', 'b'],
          ['x-a', '\u20ac'],
        ]) {
          const { status, code, headers } = await problemOf(() => ({
            status: 200,
            headers: HeaderList.fromRaw([...raw]),
            body: 'x',
          }))
          assert.deepEqual([status, code, headers.has('x-c')], [500, 'BAD_HEADER', false])
        }
      },
    },
    {
      name: 'makes a problem of an upgrade that nobody asked for',
      async run() {
        const { status, code } = await problemOf(() => ({ ...text('x'), upgrade: () => {} }))
        assert.deepEqual([status, code], [500, 'BAD_REPLY'])
      },
    },
  ]
}
