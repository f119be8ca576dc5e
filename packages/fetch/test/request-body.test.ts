import { bytesOf, type Context, empty, type Sink, type Source, sourceOf, text } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { handStream, problemIn, settle, tap, watched } from './support.ts'

const post = (body: RequestInit['body'], headers: Record<string, string> = {}) =>
  new Request('http://a.test/', { method: 'POST', body: body ?? null, headers, duplex: 'half' })

const sourceIn = (ctx: Context): Source => sourceOf(ctx.request.body)

/** Remembers what it gets, and says that it is full as long as `room` is false. */
function slowSink(): Sink & { got: string[]; room: boolean } {
  const sink = {
    got: [] as string[],
    room: false,
    write(chunk: Uint8Array) {
      sink.got.push(Buffer.from(chunk).toString())
      return sink.room
    },
    end: () => void sink.got.push('END'),
    fail: (error: Error) => void sink.got.push(`FAILED ${error.message}`),
  }
  return sink
}

test('is read whole', async () => {
  const { handle } = watched(async (ctx) => text(Buffer.from(await bytesOf(ctx.request.body, 1000)).toString()))
  expect(await (await handle(post('grün'))).text()).toBe('grün')
})

test('knows its length where that was announced', async () => {
  const { handle, contexts } = watched(async (ctx) => {
    await bytesOf(ctx.request.body, 1000)
    return empty()
  })
  await handle(post('abc', { 'content-length': '3' }))
  await handle(post('abc'))
  expect(contexts.map((ctx) => sourceIn(ctx).length)).toEqual([3, undefined])
})

test('is none where a GET, a HEAD or a Content-Length of 0 says so', async () => {
  const { handle, contexts } = watched(() => empty())
  await handle(new Request('http://a.test/'))
  await handle(new Request('http://a.test/', { method: 'HEAD' }))
  await handle(new Request('http://a.test/', { method: 'DELETE' }))
  await handle(post(handStream().stream, { 'content-length': '0' }))
  expect(contexts.map(({ request }) => request.body)).toEqual([null, null, null, null])
})

test('is not touched before somebody wants it', async () => {
  const { stream, pulls } = handStream()
  const { handle } = watched((ctx) => {
    expect(ctx.request.body).not.toBe(null)
    return empty()
  })
  await handle(post(stream))
  await settle()
  expect(pulls()).toBe(0)
})

test('waits while its reader is full', async () => {
  const { stream, controller } = handStream()
  const sink = slowSink()
  const { handle } = watched(async (ctx) => {
    const flow = sourceIn(ctx).pipeTo(sink)
    for (const word of ['one', 'two']) controller.enqueue(Buffer.from(word))
    await settle()
    expect(sink.got).toEqual(['one'])
    sink.room = true
    flow.resume()
    await settle()
    expect(sink.got).toEqual(['one', 'two'])
    flow.pause()
    controller.enqueue(Buffer.from('three'))
    controller.enqueue(Buffer.from('four'))
    await settle()
    // One was asked for before it was paused.
    expect(sink.got).toEqual(['one', 'two', 'three'])
    flow.resume()
    controller.close()
    await settle()
    return empty()
  })
  await handle(post(stream))
  expect(sink.got.join()).toBe('one,two,three,four,END')
})

test('cannot be read twice', async () => {
  const { handle } = watched(async (ctx) => {
    await bytesOf(ctx.request.body, 1000)
    sourceIn(ctx).pipeTo(slowSink())
    return empty()
  })
  const response = await handle(post('abc'))
  expect(await problemIn(response)).toEqual([500, 'BODY_USED'])
})

test('that a body parser of the host has read is not taken for an empty one', async () => {
  const { handle } = watched(async (ctx) => text(Buffer.from(await bytesOf(ctx.request.body, 1000)).toString()))
  const request = post('{"a":1}')
  await request.json()
  const response = await handle(request)
  expect(await problemIn(response)).toEqual([500, 'BODY_USED'])
})

describe('breaks off', () => {
  test.each([
    ['is cut short', 'ab', /2 of the 3 bytes announced/],
    ['goes on for too long', 'abcd', /more than the 3 bytes announced/],
  ])('where it %s', async (_what, sent, message) => {
    const { handle } = watched(async (ctx) => {
      const read = bytesOf(ctx.request.body, 1000)
      await expect(read).rejects.toMatchObject({ code: 'CLIENT_CLOSED', cause: { message: expect.stringMatching(message) } })
      return empty()
    })
    const { stream, controller } = handStream()
    controller.enqueue(Buffer.from(sent))
    controller.close()
    expect((await handle(post(stream, { 'content-length': '3' }))).status).toBe(204)
  })

  test('where its stream does', async () => {
    const { stream, controller } = handStream()
    const { handle } = watched(async (ctx) => {
      const read = bytesOf(ctx.request.body, 1000)
      controller.error(new Error('ECONNRESET'))
      await expect(read).rejects.toMatchObject({ code: 'CLIENT_CLOSED', cause: new Error('ECONNRESET') })
      return empty()
    })
    expect((await handle(post(stream))).status).toBe(204)
  })

  test('where it brings something else than bytes', async () => {
    const { stream, controller } = handStream()
    const { handle } = watched(async (ctx) => {
      const read = bytesOf(ctx.request.body, 1000)
      controller.enqueue('text' as never)
      await expect(read).rejects.toMatchObject({ cause: { message: 'a body stream brought a string where bytes are needed' } })
      return empty()
    })
    expect((await handle(post(stream))).status).toBe(204)
  })

  test('where the reply is out first', async () => {
    const { stream, controller, cancelled } = handStream()
    const sink = slowSink()
    sink.room = true
    const { handle } = watched((ctx) => {
      sourceIn(ctx).pipeTo(sink)
      return empty()
    })
    await handle(post(stream))
    expect(sink.got).toEqual(['FAILED the reply was out before the request body was read'])
    controller.enqueue(Buffer.from('late'))
    await settle()
    expect(sink.got.length).toBe(1)
    // The rest is the host's: one that cancels may close the connection before the reply is out.
    expect([cancelled, stream.locked]).toEqual([[], false])
  })
})

test('is not cancelled by who gives up reading it', async () => {
  const { stream, cancelled } = handStream()
  const { handle } = watched((ctx) => {
    const source = sourceIn(ctx)
    source.pipeTo(slowSink())
    source.cancel()
    return empty()
  })
  expect((await handle(post(stream))).status).toBe(204)
  await settle()
  expect([cancelled, stream.locked]).toEqual([[], false])
})

test('the upload goes on while the reply to it is streamed', async () => {
  const { stream, controller } = handStream()
  const { source } = tap()
  const { handle, ends } = watched((ctx) => {
    sourceIn(ctx).pipeTo({
      write: (chunk) => source.push(Buffer.from(Buffer.from(chunk).toString().toUpperCase())),
      end: () => source.end(),
      fail: (error) => source.fail(error),
    })
    return { ...text(''), body: source }
  })
  const reader = (await handle(post(stream))).body!.getReader()
  for (const word of ['one', 'two']) {
    controller.enqueue(Buffer.from(word))
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(word.toUpperCase())
  }
  controller.close()
  expect((await reader.read()).done).toBe(true)
  expect(ends).toMatchObject([{ outcome: 'finished' }])
})
