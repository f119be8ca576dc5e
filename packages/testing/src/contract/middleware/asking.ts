import assert from 'node:assert/strict'
import type { Case } from '../suite.ts'
import { type MiddlewareSubject, reply, Stand } from './subject.ts'

/** Whom a layer asks, and whom it answers by itself. */
export function askingCases(subject: MiddlewareSubject, asksAgain: boolean): Case[] {
  const { refuses } = subject
  return [
    {
      name: 'lets a request through, and hands on the reply',
      async run() {
        const stand = new Stand(subject)
        const answer = await stand.ask(() => reply('from next', 201))
        assert.ok(stand.asked.length > 0, 'next was not asked')
        assert.equal(answer.status, 201)
      },
    },
    ...(asksAgain ? [] : [asksOnce(subject)]),
    {
      name: 'asks next within the same exchange',
      async run() {
        const stand = new Stand(subject)
        const side = stand.open()
        let aborted = 0
        await stand.ask((ctx) => {
          ctx.onAbort(() => void aborted++)
          side.abort()
          return reply('late')
        }, side)
        assert.equal(aborted, 1, 'the context that next got does not hear that the client left')
      },
    },
    {
      name: 'lets a handshake through, with the upgrade that was agreed to',
      async run() {
        const stand = new Stand(subject)
        let taken = 0
        const answer = await stand.ask(
          () => Object.assign(reply(null, 101), { upgrade: () => void taken++ }),
          stand.open({ kind: 'upgrade', method: 'GET', body: null }),
        )
        assert.ok(answer.upgrade, 'the reply has no upgrade any more')
        answer.upgrade({ once() {} } as never, Buffer.alloc(0), answer.headers)
        assert.equal(taken, 1)
      },
    },
    ...(refuses ? refusals(subject, refuses) : []),
  ]
}

function asksOnce(subject: MiddlewareSubject): Case {
  return {
    name: 'asks next once',
    async run() {
      const stand = new Stand(subject)
      for (const status of [200, 404, 500]) {
        const before = stand.asked.length
        await stand.ask(() => reply('x', status))
        // None at all: it may know the answer by now.
        assert.ok(stand.asked.length - before <= 1, `next was asked ${stand.asked.length - before} times for one request`)
      }
    },
  }
}

function refusals(subject: MiddlewareSubject, refuses: NonNullable<MiddlewareSubject['refuses']>): Case[] {
  const refused = async (change: Parameters<Stand['open']>[0]) => {
    const stand = new Stand(subject)
    const answer = await stand.ask(() => reply('secret'), stand.open(change, refuses))
    assert.equal(stand.asked.length, 0, 'next was asked for what is to be refused')
    return answer
  }
  return [
    {
      name: 'answers what it refuses by itself, without asking next',
      run: async () => void (await refused({})),
    },
    {
      name: 'refuses a HEAD as it refuses a GET',
      async run() {
        const { status } = await refused({ method: 'GET', body: null })
        assert.equal((await refused({ method: 'HEAD', body: null })).status, status)
      },
    },
    {
      name: 'refuses a handshake as it refuses a request',
      async run() {
        const { status } = await refused({ method: 'GET', body: null })
        const answer = await refused({ method: 'GET', body: null, kind: 'upgrade' })
        assert.deepEqual([answer.status, answer.upgrade], [status, undefined])
      },
    },
  ]
}
