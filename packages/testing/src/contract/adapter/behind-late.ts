import assert from 'node:assert/strict'
import { type Context, type Handler, type Layer, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type AskingLayer, askingBehind } from './behind-asked.ts'
import { Moment, message, played, type StartAdapter } from './scene.ts'

/** What stands behind does not answer, or does when nobody waits any more. */
export function behindLateCases(start: StartAdapter): Case[] {
  const asked = askingBehind(start)
  return [
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
