import assert from 'node:assert/strict'
import { bytesOf, type Context, type Reply } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type MiddlewareSubject, reply, Stand, Tap, turns, until } from './subject.ts'

/** What a layer tells those behind it, and what it leaves behind. */
export function stateCases(subject: MiddlewareSubject, adds: readonly string[], readsBody: boolean): Case[] {
  return [
    {
      name: 'keeps what earlier layers learned',
      async run() {
        const stand = new Stand(subject)
        await stand.ask(() => reply('x'))
        const state: Record<string, unknown> = { ...stand.asked[0]?.state }
        for (const [key, value] of Object.entries(stand.state)) {
          assert.ok(state[key] === value, `state.${key} is not what it was`)
        }
      },
    },
    ...(adds.length > 0 ? [addsState(subject, adds)] : []),
    {
      name: 'keeps requests apart that are asked at the same time',
      run: () => apart(subject),
    },
    ...(readsBody ? [] : [leavesBody(subject)]),
    {
      name: 'leaves no timer behind',
      async run() {
        const stand = new Stand(subject)
        const { pending } = stand.clock
        for (const fail of [false, true]) {
          const side = stand.open()
          const answer = await stand.ask(async () => (fail ? Promise.reject(new Error('gone')) : reply('x')), side)
          await answer.text()
          side.finish()
        }
        await turns()
        assert.equal(stand.clock.pending, pending, 'timers of requests that are over still wait')
      },
    },
  ]
}

function addsState(subject: MiddlewareSubject, adds: readonly string[]): Case {
  return {
    name: `adds ${adds.join(', ')} to the state`,
    async run() {
      const stand = new Stand(subject)
      await stand.ask(() => reply('x'))
      const state = (stand.asked[0]?.state ?? {}) as Record<string, unknown>
      for (const key of adds) assert.ok(state[key] !== undefined, `state.${key} is missing`)
    },
  }
}

function leavesBody(subject: MiddlewareSubject): Case {
  return {
    name: 'leaves the body of a request to next',
    async run() {
      const tap = new Tap()
      const stand = new Stand(subject)
      const answer = await stand.ask(
        async ({ request }) => {
          await turns()
          // An upload that was begun cannot go to another endpoint any more.
          assert.ok(!tap.isRead, 'the body was begun before next wanted it')
          tap.filled.push(Buffer.from('upload'))
          tap.filled.end()
          return reply(await bytesOf(request.body, 100))
        },
        stand.open({ method: 'POST', body: tap }),
      )
      assert.equal(answer.headers.get('x-next'), 'yes', `next could not read it: ${await answer.text()}`)
    },
  }
}

const REQUESTS = 10

/** Ten requests, each answered only when all have been asked, the last one first. */
async function apart(subject: MiddlewareSubject): Promise<void> {
  const stand = new Stand(subject)
  const waiting: (() => void)[] = []
  const next = ({ request }: Context) =>
    new Promise<Reply>((resolve) => {
      const made = reply('x')
      made.headers.set('x-number', /number=(\d+)/.exec(request.target)?.[1] ?? 'none')
      waiting.push(() => resolve(made))
    })
  const numbers = Array.from({ length: REQUESTS }, (_, number) => String(number))
  const answers = numbers.map((number) => stand.ask(next, stand.open({ url: withNumber(subject, number) })))
  await until(
    () => waiting.length === REQUESTS,
    () => `next was asked for ${waiting.length} of ${REQUESTS} requests`,
  )
  for (const answer of waiting.reverse()) {
    answer()
    await turns(1)
  }
  const found = await Promise.all(answers.map(async (answer) => (await answer).headers.get('x-number')))
  assert.deepEqual(found, numbers, 'the replies went to the wrong requests')
}

function withNumber({ passes: { url = '/' } }: MiddlewareSubject, number: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}number=${number}`
}
