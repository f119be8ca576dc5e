import { Readable } from 'node:stream'
import { type Clock, type Context, eventStream, HeaderList, type Reply } from '@gatelet/core'
import { type Frame, isJson, textOf } from '../frame.ts'
import type { FrameQueue } from './frame-queue.ts'

/** The reply for a message that answers alone: the message as it is. */
export function wholeAnswer(frame: Frame): Reply {
  const isText = typeof frame === 'string'
  const type = isText ? (isJson(frame) ? 'application/json' : 'text/plain; charset=utf-8') : 'application/octet-stream'
  return { status: 200, headers: new HeaderList({ 'content-type': type }), body: frame }
}

/** One of several messages as one line: JSON as it is, anything else as a string of JSON. */
export function itemOf(frame: Frame): string {
  const text = textOf(frame)
  // Line breaks of JSON stand between its tokens only.
  return typeof frame === 'string' && isJson(frame) ? text.replace(/[\r\n]+/g, ' ') : JSON.stringify(text)
}

/** The reply for an answer of several messages: server-sent events where the client asks for them, else lines of JSON. */
export function streamedAnswer(queue: FrameQueue, item: (frame: Frame) => string, ctx: Context, clock: Clock): Reply {
  if (wantsEvents(ctx))
    return eventStream(
      mapped(queue, (frame) => ({ data: item(frame) })),
      { clock },
    )
  const lines = mapped(queue, (frame) => `${item(frame)}\n`)
  const headers = new HeaderList({ 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  return { status: 200, headers, body: Readable.from(lines, { objectMode: false }) }
}

function wantsEvents({ request }: Context): boolean {
  const accepted = (request.headers.get('accept') ?? '').toLowerCase().split(',')
  return accepted.some((range) => /^\s*text\/event-stream\s*(?:;(?!.*\bq=0(?:\.0*)?\s*$).*)?$/.test(range))
}

// Not an async generator: one that was not begun does not hear that its reader has left.
function mapped<T>(queue: FrameQueue, change: (frame: Frame) => T): AsyncIterableIterator<T> {
  const iterator: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      const { done, value } = await queue.next()
      return done ? { done, value: undefined } : { done: false, value: change(value) }
    },
    async return() {
      await queue.return()
      return { done: true, value: undefined }
    },
  }
  return iterator
}
