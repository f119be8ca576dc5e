import {
  type Chain,
  type Context,
  chain,
  Exchange,
  type Handler,
  type Middleware,
  partsOf,
  type Reply,
  text,
} from '@gatelet/core'
import { describe, expect, test, vi } from 'vitest'
import { request } from './requests.ts'
import { thrown } from './thrown.ts'

const context = (): Context => new Exchange({ inform() {} }).open(request())
const state: Handler = (ctx) => text(JSON.stringify(ctx.state))
const bodyOf = async (reply: Reply | Promise<Reply>) => String((await reply).body)

/** A layer that says when it was passed, on the way in and out. */
function marked(name: string, path: string[]): Middleware {
  return async (ctx, next) => {
    path.push(`${name} in`)
    const reply = await next(ctx)
    path.push(`${name} out`)
    return reply
  }
}

describe('a chain', () => {
  test('meets its layers in order, and the replies come back the other way', async () => {
    const path: string[] = []
    await chain()
      .use(marked('a', path))
      .use(marked('b', path))
      .to(() => {
        path.push('handler')
        return text('x')
      })(context())
    expect(path).toEqual(['a in', 'b in', 'handler', 'b out', 'a out'])
  })

  test('without layers is its handler', async () => {
    expect(await bodyOf(chain().to(state)(context()))).toBe('{}')
  })

  test('hands on what its layers learned', async () => {
    const user: Middleware<{}, { user: string }> = (ctx, next) => next(ctx.with({ user: 'ada' }))
    const handler = chain()
      .use(user)
      .use<{ role: string }>((ctx, next) => next(ctx.with({ role: `${ctx.state.user}'s` })))
      .to(state)
    expect(await bodyOf(handler(context()))).toBe(`{"user":"ada","role":"ada's"}`)
  })

  test('adds what provide derives, at once or later', async () => {
    const handler = chain()
      .provide(() => ({ a: 1 }))
      .provide(async (ctx) => ({ b: ctx.state.a + 1 }))
      .to(state)
    expect(await bodyOf(handler(context()))).toBe('{"a":1,"b":2}')
  })

  test('stays synchronous where its layers are', () => {
    const handler = chain()
      .use((ctx, next) => next(ctx))
      .provide(() => ({ a: 1 }))
      .to(() => text('x'))
    expect(handler(context())).toMatchObject({ status: 200 })
  })

  test('is not asked further when a layer answers', async () => {
    const behind = vi.fn<Handler>()
    const handler = chain()
      .use(() => text('no', 403))
      .use(behind)
      .to(behind)
    expect(await handler(context())).toMatchObject({ status: 403 })
    expect(behind).not.toHaveBeenCalled()
  })

  test('lets errors through as they are, thrown and rejected', async () => {
    const error = new Error('from behind')
    const passing = chain().use((ctx, next) => next(ctx))
    expect(() =>
      passing.to(() => {
        throw error
      })(context()),
    ).toThrow(error)
    await expect(passing.to(() => Promise.reject(error))(context())).rejects.toBe(error)
    const failing = chain()
      .provide(() => Promise.reject(error))
      .to(state)
    await expect(failing(context())).rejects.toBe(error)
  })

  test('may be asked on more than once by a layer', async () => {
    const handler = chain()
      .use(async (ctx, next) => text(`${await bodyOf(next(ctx))} ${await bodyOf(next(ctx.with({ n: 2 })))}`))
      .to(state)
    expect(await bodyOf(handler(context()))).toBe('{} {"n":2}')
  })

  test('is never changed: a longer one is another', async () => {
    const base = chain().provide(() => ({ a: 1 }))
    const left = base.provide(() => ({ b: 2 }))
    const right = base.provide(() => ({ c: 3 }))
    expect(await bodyOf(base.to(state)(context()))).toBe('{"a":1}')
    expect(await bodyOf(left.to(state)(context()))).toBe('{"a":1,"b":2}')
    expect(await bodyOf(right.to(state)(context()))).toBe('{"a":1,"c":3}')
  })

  test('keeps the states of requests apart', async () => {
    let n = 0
    const handler = chain()
      .provide(async () => ({ n: n++ }))
      .to(state)
    expect(await Promise.all([0, 1, 2].map(() => bodyOf(handler(context()))))).toEqual(['{"n":0}', '{"n":1}', '{"n":2}'])
  })
})

describe('a chain as one layer', () => {
  const numbered = () =>
    chain()
      .provide(() => ({ a: 1 }))
      .provide(() => ({ b: 2 }))

  test.each<[string, Chain<{}, {}>, string]>([
    ['of no layer', chain(), '{}'],
    ['of one', chain().use((ctx, next) => next(ctx.with({ a: 1 }))), '{"a":1}'],
    ['of several', numbered(), '{"a":1,"b":2}'],
  ])('%s hands on to whoever is behind', async (_, layers, expected) => {
    expect(await bodyOf(layers.layer()(context(), state))).toBe(expected)
  })

  test('can stand in another chain', async () => {
    const inner = chain<{ a: number; b: number }>().provide((ctx) => ({ sum: ctx.state.a + ctx.state.b }))
    expect(await bodyOf(numbered().use(inner.layer()).to(state)(context()))).toBe('{"a":1,"b":2,"sum":3}')
  })

  test('keeps who is behind apart, request by request', async () => {
    const layer = numbered().layer()
    const answers = ['x', 'y', 'x'].map((name) => layer(context(), () => text(name)))
    expect(await Promise.all(answers.map(bodyOf))).toEqual(['x', 'y', 'x'])
  })

  test('is composed once for each that is behind', async () => {
    const handler = vi.fn<Handler>(() => text('x'))
    const layer = numbered().layer()
    const weak = vi.spyOn(WeakMap.prototype, 'set')
    for (let i = 0; i < 5; i++) await layer(context(), handler)
    expect(weak.mock.calls.filter(([key]) => key === handler)).toHaveLength(1)
    expect(handler).toHaveBeenCalledTimes(5)
  })
})

describe('what cannot be called', () => {
  test.each([undefined, null, 'x', {}, chain()])('%s is refused when the program starts', (part) => {
    const bad = part as never
    expect(thrown(() => chain().use(bad))).toMatchObject({ code: 'BAD_OPTION', path: 'layer' })
    expect(thrown(() => chain().provide(bad))).toMatchObject({ code: 'BAD_OPTION', path: 'derive' })
    expect(thrown(() => chain().to(bad)).message).toContain('handler must be a function (got ')
  })
})

test('what a chain was made of can be seen, whatever it was made into', () => {
  const made = (): Middleware => (ctx, next) => next(ctx)
  const [a, b, c] = [made(), made(), made()] as const
  const last: Handler = () => text('x')
  const layer = chain().use(a).use(chain().use(b).use(c).layer()).layer()
  expect(partsOf(layer)).toEqual([a, b, c])
  expect(partsOf(chain().use(layer).to(last))).toEqual([a, b, c, last])
  expect(partsOf(chain().use(a).to(chain().use(b).to(last)))).toEqual([a, b, last])
  expect([partsOf(chain().to(last)), partsOf(chain().use(a).layer()), partsOf(7)]).toEqual([[last], [a], [7]])
})
