import { encodeEvent } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventParser, type ReceivedEvent } from '../../src/translate/event-parser.ts'

interface Heard {
  readonly events: ReceivedEvent[]
  readonly retries: number[]
  readonly parser: EventParser
}

function heard(chunks: Iterable<string | Uint8Array>, maxBytes = 1_000_000): Heard {
  const events: ReceivedEvent[] = []
  const retries: number[] = []
  const parser = new EventParser({ event: (event) => events.push(event), retry: (ms) => retries.push(ms) }, maxBytes)
  for (const chunk of chunks) parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return { events, retries, parser }
}

const message = (data: string, event = 'message', id = ''): ReceivedEvent => ({ event, data, id })

// The examples and the rules of HTML §9.2.6.
test.each<[string, string, ReceivedEvent[]]>([
  ['lines of data are joined', 'data: YHOO\ndata: +2\ndata: 10\n\n', [message('YHOO\n+2\n10')]],
  [
    'comments are skipped and ids kept',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    [message('first event', 'message', '1'), message('second event'), message(' third event')],
  ],
  ['empty data is an event, and an unfinished one is none', 'data\n\ndata\ndata\n\ndata:', [message(''), message('\n')]],
  ['one space is taken off', 'data:test\n\ndata: test\n\n', [message('test'), message('test')]],
  ['CR ends a line', 'data: a\r\rdata: b\r\r', [message('a'), message('b')]],
  ['CRLF ends one line', 'data: a\r\ndata: b\r\n\r\n', [message('a\nb')]],
  ['they may be mixed', 'data: a\rdata: b\ndata: c\r\n\n', [message('a\nb\nc')]],
  ['no data, no event', 'event: x\nid: 7\n\ndata: y\n\n', [message('y', 'message', '7')]],
  ['a name is for one event', 'event: x\ndata: 1\n\ndata: 2\n\n', [message('1', 'x'), message('2')]],
  ['an id stays', 'id: 5\ndata: 1\n\ndata: 2\n\n', [message('1', 'message', '5'), message('2', 'message', '5')]],
  [
    'an id with NUL is ignored',
    'id: 5\ndata: 1\n\nid: 6\0\ndata: 2\n\n',
    [message('1', 'message', '5'), message('2', 'message', '5')],
  ],
  ['an unknown field is ignored', 'foo: bar\nDATA: x\n data: y\ndata: 1\n\n', [message('1')]],
  ['a colon in the value stays', 'data: a:b: c\n\n', [message('a:b: c')]],
  ['a field without colon has an empty value', 'event\ndata: 1\n\n', [message('1')]],
  ['the last name counts', 'event: a\nevent: b\ndata: 1\n\n', [message('1', 'b')]],
  ['a byte order mark is taken off, one', '\uFEFFdata: 1\n\ndata: 2\n\n', [message('1'), message('2')]],
  ['a second byte order mark is not', '\uFEFF\uFEFFdata: 1\n\n', []],
  ['NUL in data stays', 'data: a\0b\n\n', [message('a\0b')]],
])('%s', (_, stream, events) => {
  expect(heard([stream]).events).toEqual(events)
  // Byte by byte it is the same.
  expect(heard([...Buffer.from(stream)].map((byte) => Uint8Array.of(byte))).events).toEqual(events)
})

test.each([
  ['retry: 1000\n', [1000]],
  ['retry: 0\n', [0]],
  ['retry: 1.5\nretry: -1\nretry: 1e3\nretry: \nretry: 1000x\n', []],
])('of %j takes the time to wait', (stream, retries) => {
  expect(heard([stream]).retries).toEqual(retries)
})

test('tells the last id of what was dispatched', () => {
  expect(heard(['id: 1\ndata: x\n\nid: 2\ndata: y\n']).parser.lastEventId).toBe('1')
  expect(heard(['id: 1\ndata: x\n\nid: 2\n\n']).parser.lastEventId).toBe('2')
})

test('makes U+FFFD of what is no UTF-8', () => {
  expect(heard([Buffer.from('data: '), Uint8Array.of(0xff, 0xc3), Buffer.from('\n\n')]).events).toEqual([message('\uFFFD\uFFFD')])
})

describe('bounds', () => {
  const refused = (chunks: string[]) => () => heard(chunks, 10)

  test.each([
    ['a line without end', ['data: 1234', '5']],
    ['data of many lines', ['data: 123\ndata: 456\n', 'data: 789\n']],
    ['a comment without end', [':'.repeat(11)]],
  ])('refuses %s', (_, chunks) => {
    expect(refused(chunks)).toThrow(/an event has more than 10 bytes/)
  })

  test('counts each event anew', () => {
    expect(heard(Array(100).fill('data: 1234\n\n'), 10).events.length).toBe(100)
  })
})

describe('whatever is sent arrives, however it is cut', () => {
  const piece = fc.constantFrom('a', ':', ' ', '\r', '\n', '\r\n', '\0', 'data', 'id: 1', '\uFEFF', 'é', '😀')
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const event = fc.record({ data: text, event: text, id: text, comment: text }, { requiredKeys: ['data'] })

  const cut = (bytes: Uint8Array, at: readonly number[]): Uint8Array[] => {
    const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
    return [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length))
  }

  test('for the encoder of core', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (events, places) => {
        const wire = Buffer.from(events.map(encodeEvent).join(''))
        let id = ''
        const expected = events.map((sent) => {
          if (sent.id !== undefined && !/[\r\n\0]/.test(sent.id)) id = sent.id
          const name = sent.event === undefined || /[\r\n]/.test(sent.event) ? '' : sent.event
          return message(sent.data.replace(/\r\n|\r/g, '\n'), name || 'message', id)
        })
        expect(heard(cut(wire, places)).events).toEqual(expected)
      }),
      { seed: 7, numRuns: 1_000 },
    )
  })

  test('and bytes of any kind are read the same in any pieces', () => {
    const bytes = fc
      .array(
        piece.map((text) => Buffer.from(text)),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.concat(parts))
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 20 }), (wire, places) => {
        expect(heard(cut(wire, places)).events).toEqual(heard([wire]).events)
      }),
      { seed: 11, numRuns: 1_000 },
    )
  })
})
