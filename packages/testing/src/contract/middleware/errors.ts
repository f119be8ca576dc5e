import assert from 'node:assert/strict'
import { type Context, GatewayError, type Reply } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type MiddlewareSubject, reply, Stand, until } from './subject.ts'

/** What a layer does when something goes wrong behind it, or before it. */
export function errorCases(subject: MiddlewareSubject, catches: boolean): Case[] {
  return [
    ...(catches ? [] : throughCases(subject)),
    {
      name: 'is done when the client leaves before next has answered',
      async run() {
        const stand = new Stand(subject)
        const side = stand.open()
        const answered = stand.ask(untilLeft, side)
        // Soon, and not at once: a layer may have to look something up before it asks.
        await until(
          () => stand.asked.length > 0,
          () => 'next was not asked',
        )
        side.abort()
        await answered
      },
    },
    {
      name: 'can still be asked after next has failed',
      async run() {
        const stand = new Stand(subject)
        await stand.ask(async () => Promise.reject(new Error('gone')))
        assert.equal((await stand.ask(() => reply('words', 201))).status, 201)
      },
    },
  ]
}

/** Answers a client only when it has left, as a server that hangs does. */
function untilLeft(ctx: Context): Promise<Reply> {
  return new Promise((_, reject) => {
    const left = () => reject(new GatewayError('CLIENT_CLOSED'))
    if (ctx.signal.aborted) left()
    else ctx.onAbort(left)
  })
}

// The same object: what was thrown carries what others need to know, and is made into a reply in one place.
function throughCases(subject: MiddlewareSubject): Case[] {
  const thrown = async (next: () => Reply | Promise<Reply>): Promise<unknown> => {
    try {
      await new Stand(subject).askAsLayer(next)
    } catch (error) {
      return error
    }
    throw new assert.AssertionError({ message: 'the error of next became a reply' })
  }
  return [
    {
      name: 'lets through what next throws at once',
      async run() {
        const error = new GatewayError('NO_ENDPOINT')
        const found = await thrown(() => {
          throw error
        })
        assert.ok(found === error, `another error came out: ${String(found)}`)
      },
    },
    {
      name: 'lets through what next throws later',
      async run() {
        const error = new Error('gone')
        const found = await thrown(async () => Promise.reject(error))
        assert.ok(found === error, `another error came out: ${String(found)}`)
      },
    },
  ]
}
