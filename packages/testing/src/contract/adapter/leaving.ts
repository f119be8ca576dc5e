import assert from 'node:assert/strict'
import { bytesOf, type Context, type Reply, text } from '@gatelet/core'
import type { RawClient } from '../../raw-client.ts'
import type { Case } from '../suite.ts'
import { Moment, message, Pushed, played, replying, type StartAdapter } from './scene.ts'

/** How exchanges end, most of all when the client leaves. */
export function leavingCases(start: StartAdapter): Case[] {
  return [
    {
      name: 'tells once how an exchange has ended, and with which status',
      async run() {
        const told: string[] = []
        const layer = (ctx: Context) => {
          ctx.onFinish(({ outcome, status }) => told.push(`${outcome} ${status}`))
          return text('x', ctx.request.url.path === '/a' ? 201 : 404)
        }
        await played(start, { layer }, async (stage) => {
          await stage.ask('GET /a')
          await stage.ask('HEAD /b')
          await stage.ended(2)
          assert.deepEqual(told, ['finished 201', 'finished 404'])
        })
      },
    },
    ...(['reset', 'end'] as const).map((how) => leavesBefore(start, how)),
    {
      name: 'stops a stream whose client leaves',
      async run() {
        const body = new Pushed()
        await played(start, { layer: () => replying(body) }, async (stage) => {
          await using client = await stage.connect()
          body.say('begun')
          client.write(message('GET /'))
          await client.read('begun')
          await client.reset()
          await body.dropped()
          assert.deepEqual(await stage.ended(), ['aborted 200'])
        })
      },
    },
    {
      name: 'ends the body of a reply that comes when the client has left',
      async run() {
        const begun = new Moment()
        const late = new Moment()
        const body = new Pushed()
        const layer = async () => {
          begun.happen()
          await late.promise
          return replying(body)
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          await begun.promise
          await client.reset()
          await stage.ended()
          late.happen()
          await body.dropped()
        })
      },
    },
    {
      name: 'outlives a layer that fails when the client has left',
      async run() {
        const begun = new Moment()
        const layer = async (ctx: Context) => {
          if (ctx.request.url.path === '/next') return text('still here')
          begun.happen()
          await new Promise<void>((resolve) => ctx.onAbort(resolve))
          throw new Error('too late')
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          await begun.promise
          await client.reset()
          await stage.ended()
          assert.equal((await stage.ask('GET /next')).text, 'still here')
        })
      },
    },
    {
      name: 'fails the body of a request whose client leaves in the middle',
      async run() {
        const begun = new Moment()
        const failed = new Moment<unknown>()
        const layer = async (ctx: Context): Promise<Reply> => {
          const bytes = bytesOf(ctx.request.body, 1_000)
          begun.happen()
          await bytes.catch(failed.happen)
          return text('x')
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('POST /', { fields: ['Content-Length: 100'], body: 'a part' }))
          await begun.promise
          await client.reset()
          assert.equal(((await failed.promise) as { code?: string }).code, 'CLIENT_CLOSED')
          assert.deepEqual(await stage.ended(), ['aborted 499'])
        })
      },
    },
    {
      name: 'aborts every request that a client has pipelined when it leaves',
      async run() {
        const three = new Moment()
        let begun = 0
        const layer = (ctx: Context): Promise<Reply> => {
          if (++begun === 3) three.happen()
          return new Promise((resolve) => ctx.onAbort(() => resolve(text('nobody is there'))))
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(Buffer.concat([message('GET /a'), message('GET /b'), message('GET /c')]))
          await three.promise
          await client.reset()
          assert.deepEqual(await stage.ended(3), ['aborted 499', 'aborted 499', 'aborted 499'])
        })
      },
    },
  ]
}

function leavesBefore(start: StartAdapter, how: 'reset' | 'end'): Case {
  return {
    name: `aborts the exchange of a client that leaves before its reply (${how === 'end' ? 'closed' : 'reset'})`,
    async run() {
      const seen = new Moment<Context>()
      const layer = (ctx: Context): Promise<Reply> => {
        seen.happen(ctx)
        return new Promise((resolve) => ctx.onAbort(() => resolve(text('nobody is there'))))
      }
      await played(start, { layer }, async (stage) => {
        await using client: RawClient = await stage.connect()
        client.write(message('GET /'))
        const ctx = await seen.promise
        const { signal } = ctx
        assert.equal(signal.aborted, false)
        await client[how]()
        assert.deepEqual(await stage.ended(), ['aborted 499'])
        assert.deepEqual([signal.aborted, signal.reason.code], [true, 'CLIENT_CLOSED'])
      })
    },
  }
}
