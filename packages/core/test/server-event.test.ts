import { encodeEvent, type ServerEvent } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test.each<[string, ServerEvent, string]>([
  ['a text', { data: 'hello' }, 'data: hello\n\n'],
  ['lines by LF, CR and CRLF', { data: 'a\nb\rc\r\nd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
  ['an empty text, which is an event too', { data: '' }, 'data: \n\n'],
  ['a line break at the end', { data: 'a\n' }, 'data: a\ndata: \n\n'],
  ['JSON', { data: { a: [1, 'x\ny'] } }, 'data: {"a":[1,"x\\ny"]}\n\n'],
  ['null', { data: null }, 'data: null\n\n'],
  ['what JSON leaves out', { data: () => 1 }, 'data: null\n\n'],
  [
    'every field',
    { event: 'tick', id: '7', retry: 10, data: 'x', comment: 'c' },
    ': c\nevent: tick\nid: 7\nretry: 10\ndata: x\n\n',
  ],
  ['an empty id', { id: '', data: 'x' }, 'id: \ndata: x\n\n'],
  ['a text that begins with a space', { data: ' x' }, 'data:  x\n\n'],
  ['a comment of two lines', { comment: 'a\ndata: b' }, ': a\n: data: b\n\n'],
  ['nothing', {}, ''],
  ['an empty name, which is that of every event', { event: '', data: 'x' }, 'data: x\n\n'],
])('says %s', (_, event, wire) => {
  expect(encodeEvent(event)).toBe(wire)
})

test.each<[string, ServerEvent]>([
  ['a name with LF', { event: 'a\ndata: forged', data: 'x' }],
  ['a name with CR', { event: 'a\rdata: forged', data: 'x' }],
  ['an id with LF', { id: '1\n\ndata: forged', data: 'x' }],
  ['an id with CR', { id: '1\rdata: forged', data: 'x' }],
  ['an id with NUL', { id: '1\0', data: 'x' }],
  ['a retry that is not whole', { retry: 1.5, data: 'x' }],
  ['a retry below 0', { retry: -1, data: 'x' }],
  ['a retry of an outsider', { retry: '1\ndata: forged' as never, data: 'x' }],
])('leaves out %s', (_, event) => {
  expect(encodeEvent(event)).toBe('data: x\n\n')
})

test('refuses a circle', () => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  expect(() => encodeEvent({ data: circle })).toThrow(TypeError)
})

test('makes one event of whatever is in it, and no field that was not given', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\r', '\n', '\0', 'data: ', 'id: ', 'event: ', 'é') })
  fc.assert(
    fc.property(fc.record({ data: text, event: text, id: text, comment: text }), (event) => {
      const wire = encodeEvent(event)
      expect(wire.endsWith('\n\n')).toBe(true)
      expect(wire.slice(0, -2)).not.toContain('\n\n')
      expect(wire).not.toContain('\r')
      const names = wire.split('\n').map((line) => line.split(':', 1)[0])
      expect(names.filter((name) => name === 'event').length).toBeLessThan(2)
      expect(names.filter((name) => name === 'id').length).toBeLessThan(2)
      expect(names.filter((name) => name === 'data').length).toBe(event.data.split(/\r\n|\r|\n/).length)
    }),
    { seed: 42, numRuns: 500 },
  )
})
