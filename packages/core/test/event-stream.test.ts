import { setImmediate } from 'node:timers/promises'
import {
  type EventSender,
  type EventStreamOptions,
  Exchange,
  eventStream,
  type ServerEvent,
  type Source,
  sourceOf,
} from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { type Basin, drain } from './flows.ts'
import { thrown } from './thrown.ts'

/** A stream whose events a test sends, and who reads it. */
function opened(options: EventStreamOptions = {}, basin: Partial<Basin> = {}) {
  const undone: string[] = []
  let events: EventSender | undefined
  const reply = eventStream((sender) => {
    events = sender
    return () => void undone.push('undone')
  }, options)
  const source = reply.body as Source
  const { basin: read, flow } = drain(source, basin)
  return { reply, source, read, flow, undone, events: events as unknown as EventSender }
}

test('has the fields that keep it from being stored, buffered and changed', () => {
  const { headers, status } = eventStream(() => {}, { headers: { 'x-room': '7', 'cache-control': 'no-transform' } })
  expect([status, headers.raw]).toEqual([
    200,
    ['content-type', 'text/event-stream', 'cache-control', 'no-transform', 'x-accel-buffering', 'no', 'x-room', '7'],
  ])
  expect(eventStream(() => {}).headers.get('cache-control')).toBe('no-store, no-transform')
})

test('asks nobody for events before somebody reads', () => {
  let asked = 0
  const { body } = eventStream(() => void asked++)
  expect(asked).toBe(0)
  sourceOf(body).cancel()
  expect(asked).toBe(0)
})

test('sends each event at once, and ends when it is told to', () => {
  const { read, events, undone } = opened({ retryMs: 500 })
  expect(events.send({ data: 1 })).toBe(true)
  expect(read.got).toEqual(['retry: 500\n\n', 'data: 1\n\n'])
  events.end()
  events.end()
  events.send({ data: 2 })
  events.fail(new Error('late'))
  expect(read.got).toEqual(['retry: 500\n\n', 'data: 1\n\n', 'end'])
  expect([undone, events.isOpen]).toEqual([['undone'], false])
})

test('is undone once when the client leaves', async () => {
  const { source, events, undone } = opened()
  source.cancel()
  source.cancel()
  events.end()
  expect([undone, events.isOpen, events.send({ data: 1 })]).toEqual([['undone'], false, true])
  await events.drained()
})

test('is broken off, and undone, when the feed says so or throws', () => {
  const { read, events, undone } = opened()
  events.fail(new Error('no more prices'))
  expect([read.got, undone]).toEqual([['fail: no more prices'], ['undone']])
  const { basin } = drain(
    eventStream(() => {
      throw new Error('no prices')
    }).body as Source,
  )
  expect(basin.got).toEqual(['fail: no prices'])
})

test('undoes what a feed leaves that ended the stream itself', () => {
  let undone = 0
  drain(
    eventStream((events) => {
      events.end()
      return () => void undone++
    }).body as Source,
  )
  expect(undone).toBe(1)
})

test('tells of an asynchronous feed that fails', async () => {
  const { basin } = drain(eventStream((async () => Promise.reject(new Error('late'))) as () => void).body as Source)
  await setImmediate()
  expect(basin.got).toEqual(['fail: late'])
})

describe('where the client does not keep up', () => {
  test('says so, and when there is room again', async () => {
    const { read, flow, events } = opened()
    read.isFull = true
    expect(events.send({ data: 1 })).toBe(false)
    let hasRoom = false
    const drained = events.drained().then(() => {
      hasRoom = true
    })
    await setImmediate()
    expect(hasRoom).toBe(false)
    read.isFull = false
    flow.resume()
    await drained
    expect(events.send({ data: 2 })).toBe(true)
    await events.drained()
  })

  test('who waits goes on when the stream is over', async () => {
    const { read, source, events } = opened()
    read.isFull = true
    events.send({ data: 1 })
    const drained = events.drained()
    source.cancel()
    await drained
  })

  test('holds no more than it may', () => {
    const { read, events, undone } = opened({ maxBufferedBytes: 100 })
    read.isFull = true
    events.send({ data: 'x'.repeat(1_000) })
    for (let sent = 0; sent < 10; sent++) events.send({ data: '123' })
    expect(read.got.length).toBe(11)
    events.send({ data: '123' })
    expect(read.got.at(-1)).toMatch(/^fail: a client left 100 bytes of events unread/)
    expect([undone, events.isOpen]).toEqual([['undone'], false])
  })
})

describe('when the server goes down', () => {
  function going(options: Partial<EventStreamOptions> = {}) {
    const clock = virtualClock()
    const inner = new Exchange({ inform() {} }, clock)
    const endAtDrain = inner.open(exchange('/').ctx.request).with({ user: 'ada' })
    return { clock, inner, ...opened({ clock, endAtDrain, heartbeatMs: 60_000, ...options }) }
  }

  test('ends within the first half of the grace, where it knows of what request it is the answer', async () => {
    const { clock, inner, read, undone } = going()
    inner.drain(clock.now() + 20_000)
    expect(read.got).toEqual([])
    await clock.advance(10_000)
    expect([read.got, undone, clock.pending]).toEqual([['end'], ['undone'], 0])
  })

  test('leaves nothing behind where it was over before, nor hears of it', async () => {
    const { clock, inner, source } = going()
    source.cancel()
    inner.drain(clock.now() + 20_000)
    expect(clock.pending).toBe(0)
  })
})

describe('heartbeats', () => {
  test('go out after silence, and only then', async () => {
    const clock = virtualClock()
    const { read, events } = opened({ clock, heartbeatMs: 100 })
    await clock.advance(99)
    events.send({ data: 1 })
    await clock.advance(99)
    expect(read.got).toEqual(['data: 1\n\n'])
    await clock.advance(1)
    expect(read.got).toEqual(['data: 1\n\n', ': ping\n\n'])
    await clock.advance(250)
    expect(read.got.slice(1)).toEqual([': ping\n\n', ': ping\n\n', ': ping\n\n'])
    events.end()
    expect(clock.pending).toBe(0)
  })

  test('come every 15 seconds when nothing else is said', async () => {
    const clock = virtualClock()
    const { read, source } = opened({ clock })
    await clock.advance(60_000)
    expect(read.got.length).toBe(4)
    source.cancel()
    expect(clock.pending).toBe(0)
  })

  test('are kept back while nothing is read', async () => {
    const clock = virtualClock()
    const { read, flow, events } = opened({ clock, heartbeatMs: 100 })
    read.isFull = true
    events.send({ data: 1 })
    await clock.advance(1_000)
    expect(read.got.length).toBe(1)
    read.isFull = false
    flow.resume()
    await clock.advance(100)
    expect(read.got.at(-1)).toBe(': ping\n\n')
  })
})

describe('of an iterable', () => {
  async function* numbers(ended: string[], until = Number.POSITIVE_INFINITY): AsyncGenerator<ServerEvent> {
    try {
      for (let at = 1; at <= until; at++) yield { data: at }
    } finally {
      ended.push('ended')
    }
  }

  test('sends all of it and ends', async () => {
    const ended: string[] = []
    const { basin } = drain(eventStream(numbers(ended, 3)).body as Source)
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect([basin.got, ended]).toEqual([['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n', 'end'], ['ended']])
  })

  test('goes at the pace of the client, and ends when it leaves', async () => {
    const ended: string[] = []
    const source = eventStream(numbers(ended)).body as Source
    const { basin, flow } = drain(source, { isFull: true })
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(basin.got).toEqual(['data: 1\n\n'])
    flow.resume()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(basin.got).toEqual(['data: 1\n\n', 'data: 2\n\n'])
    source.cancel()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect([basin.got.length, ended]).toEqual([2, ['ended']])
  })

  test('is broken off when it throws', async () => {
    async function* broken(): AsyncGenerator<ServerEvent> {
      yield { data: 1 }
      throw new Error('broken')
    }
    const { basin } = drain(eventStream(broken()).body as Source)
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(basin.got).toEqual(['data: 1\n\n', 'fail: broken'])
  })
})

test('refuses at once what sends no events', () => {
  expect(thrown(() => eventStream([{ data: 1 }] as never)).message).toMatch(/from must be a function .+ \(got a list of 1\)/)
})
