import { Readable } from 'node:stream'
import { bytesOf, chain, Exchange, type Handler, HeaderList, hearing, type Middleware, type Reply, text } from '@gatelet/core'
import { expect, test } from 'vitest'
import { request } from './requests.ts'

const context = () => new Exchange({ inform() {} }).open(request())

/** A stream that fails before anybody reads it, as that of a missing file does. */
function failing(): Readable {
  const stream = new Readable({ read() {} })
  setImmediate(() => stream.destroy(new Error('no such file')))
  return stream
}

const replying = (body: Reply['body']): Reply => ({ status: 200, headers: new HeaderList(), body })

/** Hands the reply on when its stream has failed. */
const waiting: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  // Not `once`, which hears errors too.
  await new Promise((resolve) => (reply.body as Readable).on('close', resolve))
  return reply
}

test.each<[string, (stream: Readable) => Handler]>([
  ['at once', (stream) => () => replying(stream)],
  ['later', (stream) => async () => replying(stream)],
])('a stream that fails while layers wait fails who reads it, and ends nothing: answered %s', async (_, answering) => {
  const reply = await chain().use(waiting).to(answering(failing()))(context())
  await expect(bytesOf(reply.body, 100)).rejects.toThrow('no such file')
})

test('a reply stays the same object, given at once where it was', async () => {
  const [now, later] = [text('x'), replying(Readable.from(['a', 'b']))]
  expect(hearing(() => now)(context())).toBe(now)
  expect(await hearing(async () => later)(context())).toBe(later)
  expect(Buffer.from(await bytesOf(later.body, 100)).toString()).toBe('ab')
})

test('what is no reply goes on as it is, for the adapter to say so', async () => {
  expect(hearing((() => undefined) as never)(context())).toBeUndefined()
  await expect(hearing(() => Promise.reject(new Error('x')))(context())).rejects.toThrow('x')
})
