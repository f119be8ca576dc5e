import { type Flow, PushSource, type Source } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SharedBody } from '../../src/middleware/shared-body.ts'

/** One who reads, takes some chunks and then has no room until told otherwise. */
class Reader {
  readonly read: Uint8Array[] = []
  ended: 'no' | 'whole' | 'failed' = 'no'
  private room: number
  private readonly flow: Flow

  constructor(source: Source, room: number) {
    this.room = room
    this.flow = source.pipeTo({
      write: (chunk) => {
        this.read.push(chunk)
        return --this.room > 0
      },
      end: () => {
        this.ended = 'whole'
      },
      fail: () => {
        this.ended = 'failed'
      },
    })
  }

  take(room: number): void {
    this.room = room
    this.flow.resume()
  }

  get text(): string {
    return Buffer.concat(this.read).toString()
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), size: fc.integer({ min: 1, max: 30 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('take' as const), who: fc.nat(5), room: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), room: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
  ),
  { maxLength: 60 },
)

test('whoever may join reads all of it, in order, whatever the others do; little is held, and nothing in the end', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (todo, fails) => {
      const total = { bytes: 0, maxBytes: 10_000 }
      let isPaused = false
      let sent = ''
      const producer = new PushSource({
        pause() {
          isPaused = true
        },
        resume() {
          isPaused = false
        },
        cancel() {},
      })
      const holding = { maxBytes: 200, total, stuckMs: 1, setTimer: () => () => {} }
      const body = new SharedBody(producer, { chunk: () => true, end() {}, fail() {}, isAwaited: () => true }, holding)
      const sources: Source[] = []
      const readers: Reader[] = []
      const gone = new Set<Reader>()
      const join = (room: number) => {
        if (!body.isOpen) return
        const source = body.reader()
        sources.push(source)
        readers.push(new Reader(source, room))
      }
      join(2)
      for (const step of todo) {
        const reader = 'who' in step ? readers[step.who % readers.length] : undefined
        if (step.do === 'push' && !isPaused) {
          const chunk = String(sent.length % 10).repeat(step.size)
          sent += chunk
          if (!producer.push(Buffer.from(chunk))) isPaused = true
        } else if (step.do === 'take') {
          reader?.take(step.room)
        } else if (step.do === 'join') {
          join(step.room)
        } else if (step.do === 'leave' && reader) {
          gone.add(reader)
          sources[readers.indexOf(reader)]?.cancel()
        } else if (step.do === 'close') {
          body.close()
        }
        // What the slowest has not read, and one chunk more than that may be.
        expect(total.bytes).toBeLessThanOrEqual(230)
        for (const each of readers) expect(sent.startsWith(each.text)).toBe(true)
      }
      if (fails) producer.fail(new Error('reset'))
      else producer.end()
      body.close()
      for (const each of readers) {
        if (gone.has(each)) continue
        each.take(1_000)
        expect(each.ended).toBe(fails ? 'failed' : 'whole')
        expect(each.text).toBe(sent)
      }
      expect(total.bytes).toBe(0)
    }),
    { seed: 9, numRuns: 500 },
  )
})

/** Bodies that one reader reads at once and another one not at all, and how much is pushed into each until it pauses. */
function halfRead(count: number, maxBytes: number, totalBytes: number) {
  const total = { bytes: 0, maxBytes: totalBytes }
  const timers = new Set<() => void>()
  const setTimer = (task: () => void) => {
    timers.add(task)
    return () => timers.delete(task)
  }
  const holding = { maxBytes, total, stuckMs: 1, setTimer }
  const bodies = Array.from({ length: count }, () => {
    const state = { isPaused: false }
    const producer = new PushSource({
      pause: () => Object.assign(state, { isPaused: true }),
      resume: () => Object.assign(state, { isPaused: false }),
      cancel() {},
    })
    const body = new SharedBody(producer, { chunk: () => true, end() {}, fail() {}, isAwaited: () => false }, holding)
    const [fast, slow] = [new Reader(body.reader(), Number.POSITIVE_INFINITY), new Reader(body.reader(), 1)]
    return { producer, state, fast, slow }
  })
  const fire = () => {
    for (const task of [...timers]) {
      timers.delete(task)
      task()
    }
  }
  const fill = () => {
    for (let round = 0; round < 200; round++) {
      for (const { producer, state } of bodies) if (!state.isPaused && !producer.push(Buffer.alloc(32_768))) state.isPaused = true
    }
  }
  return { total, bodies, timers, fire, fill }
}

test('many bodies that are read by a fast and a stuck one each hold no more together than they may', () => {
  const { total, bodies, timers, fire, fill } = halfRead(50, 4_000_000, 2_000_000)
  fill()
  // Beside what all may hold, what is on its way to each anyhow.
  expect(total.bytes).toBeLessThan(2_000_000 + 50 * 3 * 32_768)
  expect(bodies.every(({ state }) => state.isPaused)).toBe(true)
  // Who stays stuck is broken off, and the fast ones go on.
  fire()
  expect(bodies.map(({ slow }) => slow.ended)).toEqual(bodies.map(() => 'failed'))
  expect(bodies.every(({ state }) => !state.isPaused)).toBe(true)
  expect([total.bytes, timers.size]).toEqual([0, 0])
})

test('who reads slowly, but reads, is not broken off while others wait', () => {
  const { bodies, fire, fill } = halfRead(1, 200_000, 10_000_000)
  fill()
  const [one] = bodies
  expect(one?.state.isPaused).toBe(true)
  // On its way already when it was to pause: there is still too much for one who reads a little.
  one?.producer.push(Buffer.alloc(32_768))
  one?.slow.take(1)
  fire()
  expect(one?.slow.ended).toBe('no')
  fire()
  expect(one?.slow.ended).toBe('failed')
})
