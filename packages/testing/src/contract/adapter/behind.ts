import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { bytesOf, discard, type Reply, text, transformed } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type Asked, type AskingLayer, askingBehind, passOn } from './behind-asked.ts'
import { behindFailureCases } from './behind-failures.ts'
import { behindLateCases } from './behind-late.ts'
import { behindStreamCases } from './behind-streams.ts'
import { Moment, played, type SeenBehind, type StartAdapter } from './scene.ts'

/** What stands behind a layer, which the framework brings: a layer sees its answer as a Reply. */
export function behindCases(start: StartAdapter): Case[] {
  const asked = askingBehind(start)

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
    ...contentlessCases(asked),
    ...behindStreamCases(start),
    ...behindFailureCases(start),
    ...behindLateCases(start),
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
