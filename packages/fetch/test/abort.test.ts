import { empty, GatewayError, HeaderList, PushSource, type Reply, sourceOf, text } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { handStream, problemIn, settle, tap, watched } from './support.ts'

const streamed = (body: Reply['body']): Reply => ({ status: 200, headers: new HeaderList(), body })

function leaving(init: RequestInit = {}): { request: Request; leave: (reason?: unknown) => void } {
  const client = new AbortController()
  return { request: new Request('http://a.test/', { ...init, signal: client.signal }), leave: (reason) => client.abort(reason) }
}

describe('a client that leaves', () => {
  test('before it is answered is told to the handler, and the exchange is over', async () => {
    let aborted = 0
    let answer: (reply: Reply) => void = () => {}
    const { handle, contexts, ends } = watched((ctx) => {
      ctx.onAbort(() => void aborted++)
      return new Promise<Reply>((resolve) => {
        answer = resolve
      })
    })
    const { request, leave } = leaving()
    const answered = handle(request)
    leave(new Error('closed the tab'))
    const response = await answered
    expect(await problemIn(response)).toEqual([499, 'CLIENT_CLOSED'])
    expect(aborted).toBe(1)
    expect(ends).toMatchObject([{ outcome: 'aborted', status: 499 }])
    expect(contexts[0]!.signal.reason).toMatchObject({ code: 'CLIENT_CLOSED', cause: new Error('closed the tab') })

    const { source, told } = tap()
    answer(streamed(source))
    await settle()
    expect(told).toEqual(['cancel'])
    expect(ends.length).toBe(1)
  })

  test('before it asked never reaches a layer', async () => {
    const { handle, contexts } = watched(() => empty())
    const { request, leave } = leaving()
    leave()
    expect((await handle(request)).status).toBe(499)
    expect(contexts).toEqual([])
  })

  test('in the middle of a reply stops what makes it', async () => {
    const { source, told } = tap()
    const { handle, ends } = watched(() => streamed(source))
    const { request, leave } = leaving()
    const response = await handle(request)
    source.push(Buffer.from('abc'))
    leave()
    expect(told).toEqual(['start', 'cancel'])
    expect(ends).toMatchObject([{ outcome: 'aborted', status: 200 }])
    await expect(response.text()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('and whose host cancels the body at once, as one that knows of it does, logs no error', async () => {
    const { source } = tap()
    const { handle, ends } = watched(() => streamed(source))
    const { request, leave } = leaving()
    const reader = (await handle(request)).body!.getReader()
    leave()
    await reader.cancel()
    await expect(reader.closed).resolves.toBe(undefined)
    expect(ends).toMatchObject([{ outcome: 'aborted' }])
  })

  test('after the end changes nothing, and nothing listens any more', async () => {
    const { handle, contexts, ends } = watched(() => text('done'))
    const client = new AbortController()
    const request = new Request('http://a.test/')
    let listeners = 0
    const { signal } = client
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    Object.defineProperty(request, 'signal', { value: signal })
    await handle(request)
    expect(listeners).toBe(0)
    client.abort()
    expect(ends).toMatchObject([{ outcome: 'finished', status: 200 }])
    expect(contexts[0]!.signal.aborted).toBe(false)
  })
})

test('a body that throws when it is cancelled ends nothing but itself', async () => {
  const broken = () =>
    new PushSource({
      pause() {},
      resume() {},
      cancel() {
        throw new Error('not now')
      },
    })
  const { handle, ends } = watched(() => streamed(broken()))
  const warnings: Error[] = []
  const listen = (warning: Error) => void warnings.push(warning)
  process.on('warning', listen)
  const { request, leave } = leaving()
  await handle(request)
  leave()
  await (await handle(new Request('http://a.test/'))).body!.cancel()
  await settle()
  process.off('warning', listen)
  expect(ends.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted'])
  expect(warnings.map(({ message }) => message)).toEqual(new Array(2).fill('a body threw when it was cancelled: Error: not now'))
})

describe('a reader that wants no more', () => {
  test('stops what makes the body; the exchange is aborted', async () => {
    const { source, told } = tap()
    const { handle, contexts, ends } = watched(() => streamed(source))
    const response = await handle(new Request('http://a.test/'))
    await response.body!.cancel()
    expect(told).toEqual(['start', 'cancel'])
    expect(ends).toMatchObject([{ outcome: 'aborted', status: 200 }])
    expect(contexts[0]!.signal.reason).toBeInstanceOf(GatewayError)
  })

  test('after the last byte takes nothing back', async () => {
    const { source } = tap()
    source.push(Buffer.from('abc'))
    const { handle, ends } = watched(() => streamed(source))
    const reader = (await handle(new Request('http://a.test/'))).body!.getReader()
    source.end()
    await reader.read()
    await reader.cancel()
    expect(ends).toMatchObject([{ outcome: 'finished' }])
  })
})

describe('a request body that is being read', () => {
  test('fails with CLIENT_CLOSED when the client leaves', async () => {
    const { stream } = handStream()
    const failed: Error[] = []
    const { handle } = watched((ctx) => {
      sourceOf(ctx.request.body).pipeTo({
        write: () => true,
        end() {},
        fail: (error) => void failed.push(error),
      })
      return new Promise(() => {})
    })
    const { request, leave } = leaving({ method: 'POST', body: stream, duplex: 'half' })
    const answered = handle(request)
    leave()
    expect((await answered).status).toBe(499)
    expect(failed).toMatchObject([{ code: 'CLIENT_CLOSED' }])
  })
})
