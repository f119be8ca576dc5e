import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import {
  bytesOf,
  type Context,
  discard,
  type Handler,
  type HeaderList,
  type Layer,
  type Reply,
  text,
  transformed,
} from '@gatelet/core'
import type { Case } from '../suite.ts'
import {
  type Behind,
  blocks,
  Moment,
  message,
  played,
  receiveBlocks,
  type SeenBehind,
  type StartAdapter,
  steady,
} from './scene.ts'

type AskingLayer = (ctx: Context, next: Handler) => ReturnType<Handler>

/** What stands behind a layer, which the framework brings: a layer sees its answer as a Reply. */
export function behindCases(start: StartAdapter): Case[] {
  /** Asks once, with a layer in front of what the framework has. */
  const asked = async (layer: AskingLayer, behind: Behind, line = 'GET /') =>
    played(start, { layer, behind }, (stage) => stage.ask(line))
  const passOn: AskingLayer = (ctx, next) => next(ctx)

  return [
    {
      name: 'passes the answer of what stands behind through',
      async run() {
        const headers = [
          ['Content-Type', 'application/octet-stream'],
          ['X-Own', 'yes'],
        ] as const
        const { status, headers: sent, text } = await asked(passOn, { status: 202, headers, body: '[1]' })
        assert.deepEqual(
          [status, sent.get('content-type'), sent.get('x-own'), text],
          [202, 'application/octet-stream', 'yes', '[1]'],
        )
      },
    },
    {
      name: 'passes on what is not answered there',
      async run() {
        const { status, body } = await asked(passOn, { status: 404, body: 'nothing of that name' })
        assert.deepEqual([status, body.toString()], [404, 'nothing of that name'])
      },
    },
    {
      name: 'shows a layer the status, the header fields and the body of that answer',
      async run() {
        let seen: unknown
        await asked(
          async (ctx, next) => {
            const reply = await next(ctx)
            const bytes = await bytesOf(reply.body, 1_000)
            seen = [reply.status, reply.headers.get('x-own'), reply.headers.getSetCookie(), Buffer.from(bytes).toString()]
            return text('seen')
          },
          {
            status: 201,
            headers: [
              ['x-own', 'yes'],
              ['set-cookie', 'a=1'],
              ['set-cookie', 'b=2'],
            ],
            body: 'h\u00e9llo',
          },
        )
        assert.deepEqual(seen, [201, 'yes', ['a=1', 'b=2'], 'h\u00e9llo'])
      },
    },
    {
      name: 'sends the header fields that a layer has added to it',
      async run() {
        const add: AskingLayer = async (ctx, next) => {
          const reply = await next(ctx)
          reply.headers.set('x-added', '1').append('set-cookie', 'b=2').set('x-own', 'changed').delete('x-gone')
          return reply
        }
        const headers = [
          ['X-Own', 'yes'],
          ['x-gone', '1'],
          ['Set-Cookie', 'a=1'],
        ] as const
        const sent = (await asked(add, { headers, body: 'x' })).headers
        assert.deepEqual(
          [sent.get('x-added'), sent.get('x-own'), sent.get('x-gone'), sent.getSetCookie()],
          ['1', 'changed', undefined, ['a=1', 'b=2']],
        )
      },
    },
    {
      name: 'adds to an answer without waiting for anything, where there is nothing to wait for',
      async run() {
        const add: AskingLayer = (ctx, next) => {
          const reply = next(ctx)
          const added = (each: Reply) => {
            each.headers.set('x-added', '1')
            return each
          }
          return reply instanceof Promise ? reply.then(added) : added(reply)
        }
        const { headers, text } = await asked(add, { body: 'x' })
        assert.deepEqual([headers.get('x-added'), text], ['1', 'x'])
      },
    },
    {
      name: 'sends the status that a layer has given it',
      async run() {
        const change: AskingLayer = async (ctx, next) => {
          const reply = await next(ctx)
          reply.status = 503
          return reply
        }
        const { status, reason, text } = await asked(change, { body: 'x' })
        assert.deepEqual([status, reason, text], [503, 'Service Unavailable', 'x'])
      },
    },
    {
      name: 'sends the body that a layer has made of it, with its own length',
      async run() {
        const shout: AskingLayer = async (ctx, next) => {
          const reply = await next(ctx)
          reply.body = transformed(reply.body, {
            chunk: (chunk) => Buffer.from(`${Buffer.from(chunk).toString().toUpperCase()}!`),
          })
          reply.headers.delete('content-length')
          return reply
        }
        const { status, text } = await asked(shout, { headers: [['content-length', '5']], body: 'words' })
        assert.deepEqual([status, text], [200, 'WORDS!'])
        assert.equal((await asked(shout, { body: () => Readable.from([Buffer.from('words')]) })).text, 'WORDS!')
      },
    },
    {
      name: 'sends another reply in the place of that answer, and nothing of it',
      async run() {
        const replace: AskingLayer = async (ctx, next) => {
          discard((await next(ctx)).body)
          return text('mine', { status: 502, headers: { 'x-mine': '1' } })
        }
        const headers = [
          ['x-own', 'yes'],
          ['set-cookie', 'a=1'],
          ['content-length', '5'],
          ['etag', '"1"'],
        ] as const
        for (const body of ['words', () => Readable.from([Buffer.from('words')])]) {
          const { status, headers: sent, text } = await asked(replace, { status: 201, headers, body })
          assert.deepEqual([status, text, sent.get('x-mine'), sent.get('content-length')], [502, 'mine', '1', '4'])
          assert.deepEqual([sent.get('x-own'), sent.get('set-cookie'), sent.get('etag')], [undefined, undefined, undefined])
        }
      },
    },
    {
      name: 'does not ask what stands behind a layer that answers by itself',
      async run() {
        let seen = 0
        const { text: body } = await asked(() => text('mine'), { seen: () => seen++, body: 'x' })
        assert.deepEqual([body, seen], ['mine', 0])
      },
    },
    {
      name: 'asks what stands behind with what layers have changed of the request',
      async run() {
        const seen = new Moment<SeenBehind>()
        const change: AskingLayer = (ctx, next) => {
          const headers = ctx.request.headers.clone().set('x-a', 'changed').append('x-b', '2')
          headers.delete('x-c')
          return next(ctx.withRequest({ method: 'PUT', url: { path: '/other', search: '?q=2' }, headers }))
        }
        const fields = ['X-A: 1', 'X-B: 1', 'X-C: 1', 'X-Same: 1']
        await played(start, { layer: change, behind: { seen: seen.happen, body: 'x' } }, async (stage) => {
          await stage.ask('GET /one?q=1', { fields })
        })
        const { method, url, headers } = await seen.promise
        assert.deepEqual([method, url], ['PUT', '/other?q=2'])
        assert.deepEqual([headers['x-a'], headers['x-b'], headers['x-c'], headers['x-same']], ['changed', '1, 2', undefined, '1'])
      },
    },
    ...streamedCases(start, asked, passOn),
    ...contentlessCases(asked),
    ...failingCases(start, asked, passOn),
  ]
}

type Asked = (
  layer: AskingLayer,
  behind: Behind,
  line?: string,
) => Promise<{ status: number; headers: HeaderList; text: string; body: Buffer }>

function streamedCases(start: StartAdapter, asked: Asked, passOn: AskingLayer): Case[] {
  const marks: AskingLayer = async (ctx, next) => {
    const reply = await next(ctx)
    reply.headers.set('x-added', '1')
    return reply
  }
  return [
    {
      name: 'sends a stream from behind as it comes',
      async run() {
        for (const layer of [passOn, marks]) {
          const stream = new PassThrough()
          await played(start, { layer, behind: { body: () => stream } }, async (stage) => {
            await using client = await stage.connect()
            client.write(message('GET /'))
            stream.write('first')
            await client.read('first')
            stream.write('second')
            await client.read('second')
            stream.end()
            await client.read('0\r\n\r\n')
          })
        }
      },
    },
    {
      name: 'lets a stream from behind go no faster than the client takes it, through a layer that reads it too',
      async run() {
        let sent = 0
        const layer: AskingLayer = async (ctx, next) => {
          const reply = await next(ctx)
          reply.body = transformed(reply.body, { chunk: (chunk) => chunk })
          return reply
        }
        const body = () => Readable.from(blocks(300, () => sent++))
        await played(start, { layer, behind: { body } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET / HTTP/1.0'))
          await client.read('\r\n\r\n')
          client.pause()
          await steady(() => sent)
          assert.ok(sent < 300, 'all of it was made though the client takes nothing')
          client.resume()
          await receiveBlocks(client, 300)
        })
      },
    },
    {
      name: 'holds a bounded part of a stream from behind while the layer has not answered',
      async run() {
        let sent = 0
        const go = new Moment()
        const layer: AskingLayer = async (ctx, next) => {
          const reply = await next(ctx)
          await go.promise
          return reply
        }
        const body = () => Readable.from(blocks(100, () => sent++))
        await played(start, { layer, behind: { body } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET / HTTP/1.0'))
          await steady(() => sent)
          assert.ok(sent < 50, `${sent} of 100 blocks of 64 KiB were taken before the layer had answered`)
          go.happen()
          await receiveBlocks(client, 100)
        })
      },
    },
    {
      name: 'ends a stream from behind whose client leaves',
      async run() {
        const stream = new PassThrough()
        const closed = new Promise((resolve) => stream.on('close', resolve))
        await played(start, { layer: marks, behind: { body: () => stream } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          stream.write('first')
          await client.read('first')
          await client.reset()
          await closed
          assert.deepEqual(await stage.ended(), ['aborted 200'])
        })
      },
    },
    {
      name: 'lets a stream from behind that a layer drops come to its end',
      async run() {
        const stream = Readable.from(blocks(100, () => {}))
        const closed = new Promise((resolve) => stream.on('close', resolve))
        const drop: AskingLayer = async (ctx, next) => {
          discard((await next(ctx)).body)
          return text('mine')
        }
        assert.equal((await asked(drop, { body: () => stream })).text, 'mine')
        await closed
      },
    },
  ]
}

function contentlessCases(asked: Asked): Case[] {
  const marks: AskingLayer = async (ctx, next) => {
    const reply = await next(ctx)
    reply.headers.set('x-body', String(reply.body === null))
    return reply
  }
  return [
    {
      name: 'sends no body of an answer to HEAD, but its length',
      async run() {
        const { headers, body } = await asked(marks, { headers: [['content-length', '5']], body: 'words' }, 'HEAD /')
        assert.deepEqual([headers.has('x-body'), headers.get('content-length'), body.byteLength], [true, '5', 0])
      },
    },
    {
      name: 'shows a layer no body of a 204 and a 304',
      async run() {
        for (const status of [204, 304]) {
          const { headers, body, ...head } = await asked(marks, { status, headers: [['etag', '"1"']] })
          assert.deepEqual([head.status, headers.get('x-body'), headers.get('etag'), body.byteLength], [status, 'true', '"1"', 0])
        }
      },
    },
  ]
}

function failingCases(start: StartAdapter, asked: Asked, passOn: AskingLayer): Case[] {
  return [
    {
      name: 'answers 500 where what stands behind throws',
      async run() {
        const { status, text } = await asked(passOn, { throws: new Error('behind') })
        assert.equal(status, 500)
        assert.notEqual(text, '')
      },
    },
    {
      name: 'breaks off where a stream from behind fails in the middle',
      async run() {
        const stream = new PassThrough()
        await played(start, { layer: passOn, behind: { body: () => stream } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          stream.write('first')
          await client.read('first')
          stream.destroy(new Error('lost'))
          await client.left()
          assert.ok(!client.received.toString('latin1').endsWith('0\r\n\r\n'), 'the client was told that this was all')
          await stage.ended()
        })
      },
    },
    {
      name: 'makes a problem of what a layer throws when the answer is there, and nothing of that answer',
      async run() {
        const layer: AskingLayer = async (ctx, next) => {
          await next(ctx)
          throw new Error('after all')
        }
        for (const body of ['words', () => Readable.from([Buffer.from('words')])]) {
          const { status, headers, text } = await asked(layer, {
            headers: [
              ['x-own', 'yes'],
              ['content-length', '5'],
            ],
            body,
          })
          assert.deepEqual([status, JSON.parse(text).code, headers.get('x-own')], [500, 'INTERNAL', undefined])
        }
      },
    },
    {
      name: 'lets a layer answer though what stands behind does not',
      async run() {
        const layer: AskingLayer = (ctx, next) => {
          void Promise.resolve(next(ctx)).catch(() => {})
          return text('no patience', 504)
        }
        const { status, text: body } = await asked(layer, { when: new Promise(() => {}) })
        assert.deepEqual([status, body], [504, 'no patience'])
      },
    },
    {
      name: 'swallows an answer from behind that comes when the layer has answered',
      async run() {
        const late = new Moment()
        const answered = new Moment()
        const layer: Layer = (ctx: Context, next: Handler) => {
          if (ctx.request.url.path === '/next') return text('next')
          void Promise.resolve(next(ctx)).then(
            () => answered.happen(),
            () => answered.happen(),
          )
          return text('no patience', 504)
        }
        await played(start, { layer, behind: { when: late.promise, body: 'late' } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          assert.equal((await client.response()).status, 504)
          late.happen()
          await answered.promise
          client.write(message('GET /next'))
          assert.equal((await client.response()).text, 'next')
        })
      },
    },
    {
      name: 'tells a layer that waits for what stands behind that the client has left',
      async run() {
        const begun = new Moment()
        const over = new Moment<unknown>()
        const layer: AskingLayer = (ctx, next) => {
          const answer = Promise.resolve(next(ctx))
          ctx.onAbort(() => over.happen(ctx.signal.reason.code))
          begun.happen()
          return answer
        }
        await played(start, { layer, behind: { when: new Promise(() => {}) } }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          await begun.promise
          await client.reset()
          assert.equal(await over.promise, 'CLIENT_CLOSED')
          assert.deepEqual(await stage.ended(), ['aborted 499'])
        })
      },
    },
  ]
}
