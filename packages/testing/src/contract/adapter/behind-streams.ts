import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { discard, text, transformed } from '@gatelet/core'
import { standstill } from '../../standstill.ts'
import type { Case } from '../suite.ts'
import { type AskingLayer, askingBehind, passOn } from './behind-asked.ts'
import { blocks, Moment, message, played, receiveBlocks, type StartAdapter } from './scene.ts'

/** Answers from behind that come bit by bit. */
export function behindStreamCases(start: StartAdapter): Case[] {
  const asked = askingBehind(start)
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
          await standstill(() => sent)
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
          await standstill(() => sent)
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
