import {
  amended,
  type Context,
  chain,
  Exchange,
  failure,
  GatewayError,
  type Handler,
  type Middleware,
  type Reply,
  run,
  subscribe,
  text,
} from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { request } from './requests.ts'

const context = (): Context => new Exchange({ inform() {} }).open(request())

const marking =
  (mark: string): Middleware =>
  (ctx, next) =>
    amended(ctx, next, ({ headers }) => void headers.append('x-mark', mark))

const delivered = (handler: Handler, ctx = context()) => new Promise<Reply>((resolve) => run(handler, ctx, resolve))
const marks = (reply: Reply) => reply.headers.getAll('x-mark')
const throwing = (error: unknown): Handler => {
  return () => {
    throw error
  }
}

describe('amended', () => {
  test.each<[string, Handler]>([
    ['at once', () => text('x')],
    ['later', async () => text('x')],
  ])('changes a reply that comes %s', async (_, handler) => {
    expect(marks(await delivered(chain().use(marking('a')).to(handler)))).toEqual(['a'])
  })

  test('makes no promise of a reply that is there', () => {
    expect(
      amended(
        context(),
        () => text('x'),
        () => {},
      ),
    ).not.toBeInstanceOf(Promise)
  })

  test.each<[string, Handler, number]>([
    ['thrown', throwing(new GatewayError('NO_ENDPOINT')), 503],
    ['rejected', () => Promise.reject(new GatewayError('NO_ENDPOINT')), 503],
    ['thrown by a mistake', throwing(new TypeError('no')), 500],
    ['thrown that is no object', throwing('no'), 500],
  ])('changes the reply that an error becomes which was %s, innermost layer first', async (_, handler, status) => {
    const reply = await delivered(chain().use(marking('outer')).use(marking('inner')).to(handler))
    expect([reply.status, ...marks(reply)]).toEqual([status, 'inner', 'outer'])
  })

  test('lets the error go on as it was thrown', async () => {
    const error = new Error('of somebody')
    const seen: unknown[] = []
    const catching: Middleware = async (ctx, next) => {
      try {
        return await next(ctx)
      } catch (caught) {
        seen.push(caught)
        return text('caught')
      }
    }
    const reply = await delivered(chain().use(catching).use(marking('a')).to(throwing(error)))
    expect(seen[0]).toBe(error)
    expect(marks(reply)).toEqual([])
  })

  test('does not mark another error than the one that passed', async () => {
    const instead: Middleware = async (ctx, next) => {
      try {
        return await next(ctx)
      } catch {
        throw new GatewayError('INTERNAL')
      }
    }
    expect(
      marks(
        await delivered(
          chain()
            .use(instead)
            .use(marking('a'))
            .to(throwing(new Error('first'))),
        ),
      ),
    ).toEqual([])
  })

  test('does not mark the same error object in another exchange', async () => {
    const shared = new GatewayError('DRAINING')
    await delivered(chain().use(marking('a')).to(throwing(shared)))
    const ctx = context()
    expect(marks(failure(shared, ctx))).toEqual([])
    expect(marks(await delivered(chain().use(marking('b')).to(throwing(shared)), ctx))).toEqual(['b'])
  })

  test('leaves what is no reply to the edge', async () => {
    const reply = await delivered(
      chain()
        .use(marking('a'))
        .to((() => undefined) as never),
    )
    expect(await JSON.parse(reply.body as string)).toMatchObject({ code: 'BAD_REPLY' })
  })

  test('on an error, what one layer cannot add is told, and costs neither the status nor what the others add', async () => {
    const told: unknown[] = []
    const unsubscribe = subscribe('request:failed', ({ error }) => told.push(error))
    const mistake = new TypeError('no')
    const failing: Middleware = (ctx, next) => amended(ctx, next, throwing(mistake) as () => never)
    const refusal = new GatewayError('NO_ENDPOINT')
    const reply = await delivered(chain().use(marking('outer')).use(failing).use(marking('inner')).to(throwing(refusal)))
    unsubscribe()
    expect([reply.status, ...marks(reply)]).toEqual([503, 'inner', 'outer'])
    expect(told).toEqual([refusal, mistake])
  })

  test('what layers add is on the reply of an error that cannot be sent as it is, too', async () => {
    const refusal = new GatewayError('NO_ENDPOINT', { headers: { 'x-bad': 'a\nb' } })
    const reply = await delivered(chain().use(marking('a')).to(throwing(refusal)))
    expect([reply.status, ...marks(reply)]).toEqual([500, 'a'])
  })
})
