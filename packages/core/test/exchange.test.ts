import { getEventListeners } from 'node:events'
import {
  type Context,
  type EventMap,
  Exchange,
  exchangeOf,
  GatewayError,
  HeaderList,
  type Summary,
  subscribe,
} from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { request } from './requests.ts'
import { warnings } from './warnings.ts'

function opened(options: { spawn?: boolean } = {}) {
  const clock = virtualClock({ now: 1_000 })
  const work: Promise<void>[] = []
  const informed: string[] = []
  const exchange = new Exchange(
    {
      inform: (status, headers) => void informed.push(`${status} ${headers.raw.join('=')}`),
      ...(options.spawn === false ? {} : { spawn: (each: Promise<void>) => void work.push(each) }),
    },
    clock,
  )
  const ctx = exchange.open(request())
  const finish = (outcome: Summary['outcome'] = 'finished', status = 200) => exchange.finish(ctx, outcome, status)
  return { exchange, ctx, clock, work, informed, finish }
}

const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve))
const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

function heard(): EventMap['request:finished'][] {
  const events: EventMap['request:finished'][] = []
  const undo = subscribe('request:finished', (event) => events.push(event))
  onTestFinished(undo)
  return events
}

describe('finish', () => {
  test('tells its listeners once, in their order, how it ended', async () => {
    const { ctx, clock, finish, exchange } = opened()
    const told: string[] = []
    for (const name of ['a', 'b', 'c']) {
      ctx.onFinish(({ outcome, status, durationMs }) => told.push(`${name}: ${outcome} ${status} ${durationMs}`))
    }
    await clock.advance(25)
    expect(exchange.isOver).toBe(false)
    finish('finished', 201)
    finish('failed', 500)
    expect(exchange.isOver).toBe(true)
    expect(told).toEqual(['a: finished 201 25', 'b: finished 201 25', 'c: finished 201 25'])
  })

  test('does not call a listener that was undone, and leaves the order of the others', () => {
    const { ctx, finish } = opened()
    const told: string[] = []
    const undoA = ctx.onFinish(() => told.push('a'))
    ctx.onFinish(() => told.push('b'))
    const undoC = ctx.onFinish(() => told.push('c'))
    undoA()
    undoC()
    ctx.onFinish(() => told.push('d'))
    finish()
    expect(told).toEqual(['b', 'd'])
  })

  test('counts a listener as often as it was added, whatever is undone twice', () => {
    const { ctx, finish } = opened()
    const listener = vi.fn()
    const undo = ctx.onFinish(listener)
    ctx.onFinish(listener)
    undo()
    undo()
    finish()
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('does not call a listener that an earlier one undoes', () => {
    const { ctx, finish } = opened()
    const late = vi.fn()
    let undo = () => {}
    ctx.onFinish(() => undo())
    undo = ctx.onFinish(late)
    finish()
    expect(late).not.toHaveBeenCalled()
  })

  test('calls who comes too late, soon and once', async () => {
    const { ctx, finish } = opened()
    finish('aborted', 499)
    const [kept, undone] = [vi.fn(), vi.fn()]
    ctx.onFinish(kept)
    ctx.onFinish(undone)()
    expect(kept).not.toHaveBeenCalled()
    await microtasks()
    expect(kept).toHaveBeenCalledTimes(1)
    expect(kept).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'aborted', status: 499 }))
    expect(undone).not.toHaveBeenCalled()
  })

  test('calls who comes from within a listener', async () => {
    const { ctx, finish } = opened()
    const inner = vi.fn()
    ctx.onFinish(() => void ctx.onFinish(inner))
    finish()
    await microtasks()
    expect(inner).toHaveBeenCalledTimes(1)
  })

  test('frees everybody, though one listener throws and another rejects', async () => {
    const told = warnings()
    const { ctx, finish } = opened()
    const last = vi.fn()
    ctx.onFinish(() => {
      throw new Error('bad listener')
    })
    ctx.onFinish(() => Promise.reject('bad promise'))
    ctx.onFinish(last)
    finish()
    expect(last).toHaveBeenCalledTimes(1)
    await microtasks()
    expect(told).toEqual([
      'a listener of an exchange threw: Error: bad listener',
      'a listener of an exchange threw: Error: bad promise',
    ])
  })

  test('is published once', () => {
    const events = heard()
    const { ctx, finish } = opened()
    finish('failed', 502)
    finish()
    expect(events).toEqual([{ context: ctx, summary: { outcome: 'failed', status: 502, durationMs: 0, error: undefined } }])
  })

  test('ends all listening for an abort', () => {
    const { ctx, finish, exchange } = opened()
    const listener = vi.fn()
    ctx.onAbort(listener)
    finish()
    exchange.abort()
    ctx.onAbort(listener)
    expect(listener).not.toHaveBeenCalled()
    expect(ctx.signal.aborted).toBe(false)
  })
})

describe('abort', () => {
  test('tells its listeners once, in their order', () => {
    const { ctx, exchange } = opened()
    const told: string[] = []
    for (const name of ['a', 'b', 'c']) ctx.onAbort(() => told.push(name))
    exchange.abort()
    exchange.abort()
    expect(told).toEqual(['a', 'b', 'c'])
  })

  test('aborts the signal, with the first reason', () => {
    const { ctx, exchange } = opened()
    const { signal } = ctx
    exchange.abort(new GatewayError('DRAINING'))
    exchange.abort()
    expect(signal.reason).toMatchObject({ code: 'DRAINING' })
  })

  test('says that the client left, when nothing else is said', () => {
    const { ctx, exchange } = opened()
    exchange.abort()
    expect(ctx.signal.reason).toMatchObject({ code: 'CLIENT_CLOSED', status: 499 })
  })

  test('makes no signal unless one is asked for', () => {
    const made = vi.spyOn(globalThis, 'AbortController')
    const { ctx, exchange, finish } = opened()
    ctx.onAbort(() => {})
    exchange.abort()
    finish()
    expect(made).not.toHaveBeenCalled()
  })

  test('aborts a signal that is asked for later', () => {
    const { ctx, exchange } = opened()
    exchange.abort()
    expect(ctx.signal.aborted).toBe(true)
    expect(ctx.with({ a: 1 }).signal).toBe(ctx.signal)
  })

  test('calls who comes too late, soon and unless undone', async () => {
    const { ctx, exchange } = opened()
    exchange.abort()
    const [kept, undone] = [vi.fn(), vi.fn()]
    ctx.onAbort(kept)
    ctx.onAbort(undone)()
    expect(kept).not.toHaveBeenCalled()
    await microtasks()
    expect(kept).toHaveBeenCalledTimes(1)
    expect(undone).not.toHaveBeenCalled()
  })

  test('does not call a listener that was undone, also by an earlier listener', () => {
    const { ctx, exchange } = opened()
    const listener = vi.fn()
    ctx.onAbort(listener)()
    let undo = () => {}
    ctx.onAbort(() => undo())
    undo = ctx.onAbort(listener)
    exchange.abort()
    expect(listener).not.toHaveBeenCalled()
  })

  test('goes on after a listener that throws', () => {
    const told = warnings()
    const { ctx, exchange } = opened()
    const last = vi.fn()
    ctx.onAbort(() => {
      throw new Error('bad listener')
    })
    ctx.onAbort(last)
    exchange.abort()
    expect(last).toHaveBeenCalledTimes(1)
    expect(told).toHaveLength(1)
  })

  test('comes before finish, which comes all the same', () => {
    const { ctx, exchange, finish } = opened()
    const told: string[] = []
    ctx.onFinish(({ outcome }) => told.push(outcome))
    ctx.onAbort(() => told.push('abort'))
    exchange.abort()
    finish('aborted', 499)
    expect(told).toEqual(['abort', 'aborted'])
  })
})

describe('with', () => {
  test('adds to the state, and leaves the earlier context as it was', () => {
    const { ctx } = opened()
    const one = ctx.with({ a: 1 })
    const two = one.with({ a: 2, b: 3 })
    expect([ctx.state, one.state, two.state]).toEqual([{}, { a: 1 }, { a: 2, b: 3 }])
    expect(two.request).toBe(ctx.request)
  })

  test('cannot be used to change the prototype of a state', () => {
    const { ctx } = opened()
    const evil = ctx.with(JSON.parse('{"__proto__":{"admin":true}}'))
    expect((evil.state as { admin?: boolean }).admin).toBeUndefined()
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect((evil.with({ b: 1 }).state as { admin?: boolean }).admin).toBeUndefined()
  })

  test('keeps deadline, signals and listeners of the exchange', async () => {
    const { ctx, exchange } = opened()
    const own = new AbortController()
    const inner = ctx.withDeadline(2_000).withSignal(own.signal).with({ a: 1 }).withRequest({ method: 'HEAD' })
    expect(inner).toMatchObject({ deadline: 2_000, state: { a: 1 }, request: { method: 'HEAD' } })
    const listener = vi.fn()
    inner.onAbort(listener)
    own.abort()
    exchange.abort()
    expect(listener).toHaveBeenCalledTimes(1)
  })
})

describe('withSignal', () => {
  const narrow = () => {
    const all = opened()
    const own = new AbortController()
    return { ...all, own, inner: all.ctx.withSignal(own.signal) }
  }

  test.each(['the signal', 'the client'])('is aborted once by %s', (who) => {
    const { inner, own, exchange, ctx } = narrow()
    const [listener, outer] = [vi.fn(), vi.fn()]
    inner.onAbort(listener)
    ctx.onAbort(outer)
    const { signal } = inner
    if (who === 'the signal') own.abort(new Error('attempt timed out'))
    else exchange.abort()
    expect(listener).toHaveBeenCalledTimes(1)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject(who === 'the signal' ? { message: 'attempt timed out' } : { code: 'CLIENT_CLOSED' })
    expect(outer).toHaveBeenCalledTimes(who === 'the signal' ? 0 : 1)
    own.abort()
    exchange.abort()
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test.each(['the signal', 'the client'])('is aborted from the start when %s was', async (who) => {
    const { inner, own, exchange } = narrow()
    if (who === 'the signal') own.abort()
    else exchange.abort()
    const listener = vi.fn()
    const undone = vi.fn()
    inner.onAbort(listener)
    inner.onAbort(undone)()
    expect(inner.signal.aborted).toBe(true)
    expect(listener).not.toHaveBeenCalled()
    await microtasks()
    expect(listener).toHaveBeenCalledTimes(1)
    expect(undone).not.toHaveBeenCalled()
  })

  test('narrows further each time', () => {
    const { ctx } = opened()
    const [outer, inner] = [new AbortController(), new AbortController()]
    const outside = ctx.withSignal(outer.signal)
    const inside = outside.withSignal(inner.signal)
    const told: string[] = []
    outside.onAbort(() => told.push('outside'))
    inside.onAbort(() => told.push('inside'))
    inner.abort()
    expect(told).toEqual(['inside'])
    outer.abort()
    expect(told).toEqual(['inside', 'outside'])
  })

  test('gives the same signal each time it is asked', () => {
    const { inner } = narrow()
    expect(inner.signal).toBe(inner.signal)
  })

  test('takes its listeners off the signal when they are undone', () => {
    const { inner, own } = narrow()
    const undo = inner.onAbort(() => {})
    expect(listeners(own.signal)).toBe(1)
    undo()
    expect(listeners(own.signal)).toBe(0)
  })

  test.each(['finished', 'aborted'])('leaves nothing on a signal that lives on, when the exchange is %s', (how) => {
    const { inner, own, exchange, finish } = narrow()
    inner.onAbort(() => {})
    inner.onAbort(() => {})
    inner.with({ a: 1 }).signal.addEventListener('abort', () => {})
    expect(listeners(own.signal)).toBe(3)
    if (how === 'finished') finish()
    else exchange.abort()
    expect(listeners(own.signal)).toBe(0)
  })

  test('leaves nothing on a signal when the exchange was over before', async () => {
    const { inner, own, finish } = narrow()
    finish()
    const listener = vi.fn()
    inner.onAbort(listener)
    inner.signal.addEventListener('abort', listener)
    await microtasks()
    expect(listeners(own.signal)).toBe(0)
    own.abort()
    await microtasks()
    expect(listener).not.toHaveBeenCalled()
  })

  test('may be given one signal by many exchanges without a warning of a leak', async () => {
    const told = warnings()
    const shutdown = new AbortController()
    const exchanges = Array.from({ length: 50 }, opened)
    for (const { ctx } of exchanges) ctx.withSignal(shutdown.signal).onAbort(() => {})
    await microtasks()
    expect(listeners(shutdown.signal)).toBe(50)
    expect(told).toEqual([])
    for (const { finish } of exchanges) finish()
    expect(listeners(shutdown.signal)).toBe(0)
  })

  test('goes on after a listener that throws', () => {
    const told = warnings()
    const { inner, own } = narrow()
    const last = vi.fn()
    inner.onAbort(() => {
      throw new Error('bad listener')
    })
    inner.onAbort(last)
    own.abort()
    expect(last).toHaveBeenCalledTimes(1)
    expect(told).toHaveLength(1)
  })
})

describe('withDeadline', () => {
  test('aborts when it passes, not before', async () => {
    const { ctx, clock } = opened()
    const inner = ctx.withDeadline(1_500)
    const listener = vi.fn()
    inner.onAbort(listener)
    await clock.advance(499)
    expect(listener).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(listener).toHaveBeenCalledTimes(1)
    expect(inner.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED', status: 504 })
    expect(ctx.signal.aborted).toBe(false)
    expect(ctx.deadline).toBeUndefined()
  })

  test('that is over already aborts at once', async () => {
    const { ctx, clock } = opened()
    const inner = ctx.withDeadline(10)
    await clock.advance(0)
    expect(inner.signal.aborted).toBe(true)
  })

  test('an earlier one narrows, a later one changes nothing', async () => {
    const { ctx, clock } = opened()
    const outer = ctx.withDeadline(1_500)
    expect(outer.withDeadline(1_600)).toBe(outer)
    expect(outer.withDeadline(1_500)).toBe(outer)
    const inner = outer.withDeadline(1_200)
    expect(inner.deadline).toBe(1_200)
    await clock.advance(200)
    expect(inner.signal.aborted).toBe(true)
    expect(outer.signal.aborted).toBe(false)
  })

  test.each([Number.POSITIVE_INFINITY, Number.NaN])('%s is none', (deadline) => {
    const { ctx, clock } = opened()
    expect(ctx.withDeadline(deadline)).toBe(ctx)
    expect(clock.pending).toBe(0)
  })

  test('may lie further away than a timer can wait', async () => {
    const { ctx, clock } = opened()
    const inner = ctx.withDeadline(1e12)
    await clock.advance(2_000_000_000)
    expect(inner.signal.aborted).toBe(false)
  })

  test.each(['before', 'after'])('keeps no timer when the exchange is finished %s it was set', async (when) => {
    const { ctx, clock, finish } = opened()
    if (when === 'after') ctx.withDeadline(2_000)
    finish()
    if (when === 'before') ctx.withDeadline(2_000)
    await microtasks()
    expect(clock.pending).toBe(0)
  })
})

describe('background', () => {
  test('goes on in an exchange of its own, without the body', async () => {
    const { ctx, exchange, work, finish } = opened()
    const state = ctx.with({ user: 'ada' })
    const upload = state.withRequest({ headers: new HeaderList({ 'content-length': '3', expect: '100-continue', a: 'b' }) })
    let inner: Context | undefined
    let done = () => {}
    const started = upload.background(async (own) => {
      inner = own
      await new Promise<void>((resolve) => {
        done = resolve
      })
    })
    expect(started).toBe(true)
    expect(inner?.state).toEqual({ user: 'ada' })
    expect(inner?.request.body).toBeNull()
    expect([...(inner?.request.headers ?? [])]).toEqual([['a', 'b']])
    const told = vi.fn()
    inner?.onFinish(told)
    exchange.abort()
    finish('aborted', 499)
    expect(inner?.signal.aborted).toBe(false)
    expect(told).not.toHaveBeenCalled()
    done()
    await Promise.all(work)
    expect(told).toHaveBeenCalledTimes(1)
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'finished', status: 0 }))
  })

  test('gives interim answers to whom it was told to, and else to nobody', async () => {
    const { ctx, work } = opened()
    const told: unknown[] = []
    const hints = new HeaderList({ link: '</a.css>; rel=preload' })
    ctx.background(async (own) => own.inform(103, hints))
    ctx.background(
      async (own) => own.inform(103, hints),
      (status, headers) => told.push([status, headers]),
    )
    await Promise.all(work)
    expect(told).toEqual([[103, hints]])
  })

  test('has no deadline and no signal of the request that asked for it', async () => {
    const { ctx, clock } = opened()
    const own = new AbortController()
    let inner: Context | undefined
    ctx
      .withDeadline(1_100)
      .withSignal(own.signal)
      .background(async (given) => {
        inner = given
      })
    own.abort()
    await clock.advance(1_000)
    expect(inner?.deadline).toBeUndefined()
    expect(inner?.signal.aborted).toBe(false)
  })

  test.each(['throws', 'rejects'])('that %s is told of, finishes as failed and rejects nowhere', async (how) => {
    const events = heard()
    const failures: unknown[] = []
    const undo = subscribe('request:failed', ({ error }) => failures.push(error))
    const { ctx, work } = opened()
    const error = new Error('refresh failed')
    ctx.background(
      how === 'throws'
        ? () => {
            throw error
          }
        : () => Promise.reject(error),
    )
    await Promise.all(work)
    undo()
    expect(failures).toEqual([error])
    expect(events.map(({ summary }) => summary)).toEqual([expect.objectContaining({ outcome: 'failed', status: 0, error })])
  })

  test('is refused, and not started, where what follows can be asked once only', () => {
    const { ctx } = opened({ spawn: false })
    const task = vi.fn()
    expect(ctx.background(task)).toBe(false)
    expect(task).not.toHaveBeenCalled()
  })

  test('may go on in the background again', async () => {
    const { ctx, work } = opened()
    const inner = vi.fn(async () => {})
    ctx.background(async (own) => {
      expect(own.background(inner)).toBe(true)
      own.inform(103, new HeaderList())
    })
    await Promise.all(work)
    expect(inner).toHaveBeenCalledTimes(1)
    expect(work).toHaveLength(2)
  })
})

describe('inform', () => {
  test('hands interim answers to the adapter, until the exchange is over', () => {
    const { ctx, informed, finish } = opened()
    ctx.inform(103, new HeaderList({ link: '</a.css>' }))
    finish()
    ctx.inform(103, new HeaderList())
    expect(informed).toEqual(['103 link=</a.css>'])
  })
})

describe('open', () => {
  test('goes on from a context: what it knows, how long it lives, the same end', async () => {
    const { exchange, ctx, clock, finish } = opened()
    const narrowed = ctx.with({ member: 'ada' }).withDeadline(clock.now() + 50)
    const again = exchange.open(request(), narrowed)
    expect([again.state, again.deadline]).toEqual([{ member: 'ada' }, narrowed.deadline])
    let ended = 0
    again.onFinish(() => ended++)
    await clock.advance(50)
    expect(again.signal.aborted).toBe(true)
    finish()
    expect(ended).toBe(1)
  })
})

describe('request:started', () => {
  function started(): Context[] {
    const contexts: Context[] = []
    onTestFinished(subscribe('request:started', ({ context }) => void contexts.push(context)))
    return contexts
  }

  test('is told once for a request, before its layers, and is about the same exchange as its end', () => {
    const contexts = started()
    const ends = heard()
    const { exchange, ctx, finish } = opened()
    exchange.open(request(), ctx.with({ member: 'ada' }))
    exchange.open(request())
    finish()
    expect(contexts).toEqual([ctx])
    expect(exchangeOf(ends[0]?.context as Context)).toBe(exchangeOf(ctx.with({ a: 1 }).withRequest({ method: 'PUT' })))
  })

  test('is not told of work in the background, which ends without a status', async () => {
    const contexts = started()
    const ends = heard()
    const { ctx, work } = opened()
    ctx.background(async () => {})
    await Promise.all(work)
    expect([contexts.length, ends.map(({ summary }) => summary.status)]).toEqual([1, [0]])
    expect(exchangeOf(ends[0]?.context as Context)?.cause).toBe(exchangeOf(ctx))
  })

  test('knows of all work in the background which request it is for, however far from it', async () => {
    const ends = heard()
    const { ctx, work } = opened()
    ctx.background(async (first) => void first.background(async (second) => void second.background(async () => {})))
    // Each adds the next one to the list.
    for (const each of work) await each
    expect(ends.map(({ context }) => exchangeOf(context)?.cause)).toEqual(Array(3).fill(exchangeOf(ctx)))
  })

  test('knows no exchange of a context that somebody else made', () => {
    expect(exchangeOf({ ...opened().ctx } as Context)).toBeUndefined()
  })
})
