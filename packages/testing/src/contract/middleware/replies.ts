import assert from 'node:assert/strict'
import { discard, type Sink, sourceOf } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { type MiddlewareSubject, reply, Stand, Tap, turns, until } from './subject.ts'

/** What a layer does with what next answers. */
export function replyCases(subject: MiddlewareSubject, how: { changesBody: boolean; buffers: boolean }): Case[] {
  return [
    {
      name: 'takes an answer that comes at once, and one that comes later',
      async run() {
        for (const next of [() => reply('words'), async () => reply('words')]) {
          const answer = await new Stand(subject).ask(next)
          const text = await answer.text()
          if (!how.changesBody) assert.equal(text, 'words')
        }
      },
    },
    ...(how.buffers ? [] : streamCases(subject)),
    {
      name: 'reads or ends every body that it is given',
      async run() {
        for (const status of [200, 204, 206, 304, 404, 429, 500, 503])
          for (const method of ['GET', 'HEAD']) await isCaredFor(subject, status, method)
      },
    },
    {
      name: 'changes nothing once it has answered',
      async run() {
        const stand = new Stand(subject)
        const side = stand.open()
        const tap = new Tap()
        tap.filled.push(Buffer.from('words'))
        tap.filled.end()
        const answer = await stand.ask(() => reply(tap), side)
        const before = [answer.status, ...answer.headers.raw]
        await answer.text()
        side.finish()
        await turns()
        await stand.clock.advance(86_400_000)
        assert.deepEqual([answer.status, ...answer.headers.raw], before, 'the head has changed after it was handed on')
      },
    },
  ]
}

function streamCases(subject: MiddlewareSubject): Case[] {
  return [
    {
      name: 'hands on a stream as it comes',
      async run() {
        const tap = new Tap()
        const { body } = await new Stand(subject).ask(() => reply(tap))
        const sink = counting(true)
        sourceOf(body).pipeTo(sink)
        // Enough for a layer that changes bodies block by block.
        for (let part = 0; part < 8; part++) tap.filled.push(Buffer.alloc(65_536, part))
        await until(
          () => sink.bytes > 0,
          () => 'nothing came before the end of the stream',
        )
        tap.filled.end()
      },
    },
    {
      name: 'keeps the back-pressure of a stream',
      async run() {
        const tap = new Tap()
        const { body } = await new Stand(subject).ask(() => reply(tap))
        const source = sourceOf(body)
        source.pipeTo(counting(false))
        let pushed = 0
        while (pushed < MANY && tap.filled.push(Buffer.alloc(65_536, pushed))) {
          pushed++
          await turns(1)
        }
        assert.ok(pushed < MANY, `${MANY / 16} MiB were taken though the reader takes nothing`)
        source.cancel()
      },
    },
    {
      name: 'ends a stream whose client leaves',
      async run() {
        const tap = new Tap()
        const stand = new Stand(subject)
        const side = stand.open()
        const { body } = await stand.ask(() => reply(tap), side)
        sourceOf(body).pipeTo({ write: () => true, end() {}, fail() {} })
        tap.filled.push(Buffer.from('some'))
        side.abort()
        await turns()
        assert.ok(tap.isCancelled, 'who makes the body was not told')
      },
    },
  ]
}

const MANY = 256

/** Answers with a stream, and looks whether anybody cared for it when the exchange is over. */
async function isCaredFor(subject: MiddlewareSubject, status: number, method: string): Promise<void> {
  const stand = new Stand(subject)
  const tap = new Tap()
  const side = stand.open({ method, body: null })
  const answered = stand.ask(() => reply(tap, status), side)
  tap.filled.push(Buffer.from('some'))
  tap.filled.end()
  const answer = await answered
  // As an adapter does: a body is read where the reply carries content, and else ended.
  if (method === 'HEAD' || status === 204 || status === 304) discard(answer.body)
  else await answer.bytes()
  side.finish()
  await turns()
  const isAsked = stand.asked.length > 0
  assert.ok(!isAsked || tap.isRead || tap.isCancelled, `the body of a ${status} to a ${method} was neither read nor ended`)
}

function counting(room: boolean): Sink & { bytes: number } {
  return {
    bytes: 0,
    write(chunk) {
      this.bytes += chunk.byteLength
      return room
    },
    end() {},
    fail(error) {
      throw error
    },
  }
}
