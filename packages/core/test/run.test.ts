import { PassThrough } from 'node:stream'
import {
  type Context,
  chain,
  Exchange,
  failure,
  GatewayError,
  type Handler,
  HeaderList,
  handlerOf,
  type Layer,
  notFound,
  type Reply,
  run,
  subscribe,
  text,
} from '@gatelet/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tap } from './flows.ts'
import { request } from './requests.ts'
import { thrown } from './thrown.ts'

const context = (): Context => new Exchange({ inform() {} }).open(request())

function failures(): unknown[] {
  const errors: unknown[] = []
  onTestFinished(subscribe('request:failed', ({ error }) => errors.push(error)))
  return errors
}

/** All that was delivered, once the handler has had time for more. */
async function delivered(handler: unknown): Promise<Reply[]> {
  const replies: Reply[] = []
  run(handler as Handler, context(), (reply) => replies.push(reply))
  await new Promise((resolve) => setImmediate(resolve))
  return replies
}

describe('run', () => {
  test('delivers a reply that is there in the same tick', () => {
    const reply = text('x')
    const replies: Reply[] = []
    run(
      () => reply,
      context(),
      (each) => replies.push(each),
    )
    expect(replies).toEqual([reply])
  })

  test('delivers a reply that comes later', async () => {
    const reply = text('x')
    expect(await delivered(async () => reply)).toEqual([reply])
  })

  test('hands the context on', async () => {
    expect((await delivered((ctx: Context) => text(ctx.request.url.path)))[0]?.body).toBe('/a')
  })

  test.each([
    [
      'thrown at once',
      () => {
        throw new Error('lost')
      },
      'lost',
    ],
    ['thrown later', () => Promise.reject(new Error('lost')), 'lost'],
    ['that it is no reply', () => ({}) as Reply, 'a handler answered without a Reply'],
  ])('hands to `fail`, where there is one, what was %s', async (_, handler, message) => {
    const told = failures()
    const replies: Reply[] = []
    const failed: unknown[] = []
    run(
      handler,
      context(),
      (reply) => replies.push(reply),
      (error) => failed.push(error),
    ) // prettier-ignore
    await new Promise((resolve) => setImmediate(resolve))
    expect(failed).toMatchObject([{ message }])
    expect([replies, told]).toEqual([[], []])
  })

  const throwing = (error: unknown) => () => {
    throw error
  }

  test.each([
    ['thrown', throwing],
    ['rejected', (error: unknown) => () => Promise.reject(error)],
  ])('makes a reply of a %s error, and tells what it was', async (_, failing) => {
    const errors = failures()
    const known = new GatewayError('NO_ENDPOINT', { headers: { 'retry-after': '1' } })
    const unknown = new TypeError('secret')
    const [first, second, third] = await Promise.all([
      delivered(failing(known)),
      delivered(failing(unknown)),
      delivered(failing('text')),
    ])
    expect(first).toMatchObject([{ status: 503 }])
    expect(first[0]?.headers.get('retry-after')).toBe('1')
    for (const replies of [second, third]) {
      expect(replies).toMatchObject([{ status: 500 }])
      expect(JSON.parse(String(replies?.[0]?.body))).toMatchObject({ code: 'INTERNAL' })
      expect(String(replies?.[0]?.body)).not.toMatch(/secret|text/)
    }
    expect(new Set(errors)).toEqual(new Set([known, unknown, 'text']))
    expect(await delivered(failing(Object.create(null)))).toMatchObject([{ status: 500 }])
  })

  test('answers 500 when the headers of an error cannot be sent', async () => {
    const errors = failures()
    const evil = new GatewayError('NOT_FOUND', { headers: { location: '/\r\nset-cookie: a' } })
    expect(await delivered(throwing(evil))).toMatchObject([{ status: 500 }])
    expect(await delivered(() => Promise.reject(evil))).toMatchObject([{ status: 500 }])
    expect(errors[0]).toBe(evil)
    expect(errors[1]).toMatchObject({ code: 'BAD_HEADER' })
  })

  const headers = new HeaderList()
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'a handler answered without a Reply'],
    ['null', null, 'a handler answered without a Reply'],
    ['a string', 'x', 'a handler answered without a Reply'],
    ['an object', {}, 'a handler answered without a Reply'],
    ['status 0', { status: 0, headers, body: null }, '0 is not a status from 200 to 599'],
    ['status 100', { status: 100, headers, body: null }, '100 is not a status from 200 to 599'],
    ['status 600', { status: 600, headers, body: null }, '600 is not a status from 200 to 599'],
    ['status 200.5', { status: 200.5, headers, body: null }, '200.5 is not a status from 200 to 599'],
    ['status NaN', { status: Number.NaN, headers, body: null }, 'NaN is not a status from 200 to 599'],
    ['a status in a string', { status: '200', headers, body: null }, '"200" is not a status from 200 to 599'],
    ['an odd status', { status: Object.create(null), headers, body: null }, 'an object is not a status from 200 to 599'],
    ['no headers', { status: 200, body: null }, 'the headers of a Reply must be a HeaderList'],
    ['plain headers', { status: 200, headers: { a: 'b' }, body: null }, 'the headers of a Reply must be a HeaderList'],
    ['no body', { status: 200, headers }, 'the body of a Reply must be null, a string, bytes, a Readable or a Source'],
    [
      'an object as body',
      { status: 200, headers, body: {} },
      'the body of a Reply must be null, a string, bytes, a Readable or a Source',
    ],
    [
      'a web stream',
      { status: 200, headers, body: new ReadableStream() },
      'the body of a Reply must be null, a string, bytes, a Readable or a Source',
    ],
    ['a web response', new Response('x'), 'the headers of a Reply must be a HeaderList'],
  ])('answers 500 for %s instead of a reply', async (_, answer, message) => {
    const errors = failures()
    for (const handler of [() => answer, async () => answer]) {
      expect(await delivered(handler)).toMatchObject([{ status: 500 }])
      expect(errors.pop()).toMatchObject({ code: 'BAD_REPLY', message })
    }
  })

  test.each([200, 299, 404, 599])('takes the status %i', async (status) => {
    expect(await delivered(() => ({ status, headers, body: null }))).toMatchObject([{ status }])
  })

  test('frees the body of a reply that it refuses', async () => {
    const { source, told } = tap()
    await delivered(() => ({ status: 0, headers, body: source }))
    const stream = new PassThrough()
    await delivered(() => ({ status: 200, headers: undefined, body: stream }))
    expect(told).toEqual(['cancel'])
    expect(stream.destroyed).toBe(true)
  })

  test('lets an upgrade have the status that it has', async () => {
    const reply: Reply = { status: 101, headers, body: null, upgrade() {} }
    expect(await delivered(() => reply)).toEqual([reply])
  })

  test.each<[string, PromiseLike<Reply>]>([
    [
      'answers twice',
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is the point
        then(resolve: (reply: Reply) => void) {
          resolve(text('first'))
          resolve(text('second'))
          return this
        },
      } as never,
    ],
    [
      'answers and throws',
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is the point
        then(resolve: (reply: Reply) => void) {
          resolve(text('first'))
          throw new Error('late')
        },
      } as never,
    ],
  ])('delivers once, though a thenable %s', async (_, thenable) => {
    const replies = await delivered(() => thenable)
    expect(replies.map(({ body }) => body)).toEqual(['first'])
  })

  test('answers 500 for a thenable that throws', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is the point
    expect(await delivered(() => ({ then: throwing(new Error('x')) }))).toMatchObject([{ status: 500 }])
  })
})

describe('handlerOf', () => {
  const behind: Handler = () => text('behind')
  const ask = async (layer: Layer, next?: Handler) => String((await handlerOf(layer, next)(context())).body)

  test('of a handler is that handler', async () => {
    expect(await ask(() => text('own'), behind)).toBe('own')
  })

  test('of a layer asks on', async () => {
    expect(await ask((ctx, next) => next(ctx), behind)).toBe('behind')
    expect(await ask(chain(), behind)).toBe('behind')
    expect(
      await ask(
        chain().use((ctx, next) => next(ctx)),
        behind,
      ),
    ).toBe('behind')
  })

  test('answers 404 when nobody is behind', async () => {
    const reply = await handlerOf((ctx, next) => next(ctx))(context())
    expect(reply.status).toBe(404)
    expect(JSON.parse(String((await notFound(context())).body))).toMatchObject({ code: 'NOT_FOUND', status: 404 })
  })

  test.each([[undefined], [null], ['x'], [{}], [{ layer: () => 'x' }]])('refuses %j at the start', (layer) => {
    const error = thrown(() => handlerOf(layer as unknown as Layer))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'layer' })
    expect(error.message).toContain('layer must be a handler, a layer or a chain (got ')
  })
})

test('failure tells what was thrown and answers for it', () => {
  const errors = failures()
  const error = new GatewayError('LOOP_DETECTED')
  expect(failure(error, context()).status).toBe(508)
  expect(errors).toEqual([error])
})
