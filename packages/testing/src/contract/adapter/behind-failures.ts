import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import type { Case } from '../suite.ts'
import { type AskingLayer, askingBehind, passOn } from './behind-asked.ts'
import { message, played, type StartAdapter } from './scene.ts'

/** What stands behind fails, or a layer does when the answer is there. */
export function behindFailureCases(start: StartAdapter): Case[] {
  const asked = askingBehind(start)
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
  ]
}
