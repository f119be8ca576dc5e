import { HeaderList } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { streamFormat } from '../../src/json/answer-format.ts'
import { acceptedOf } from '../../src/wire/accepted.ts'

const accepting = (...values: string[]) => new HeaderList(values.map((value) => ['accept', value] as const))

describe('the type that a client wants most', () => {
  test.each([
    [['a/a, b/b'], 'a/a'],
    [['b/b, a/a'], 'a/a'],
    [['a/a;q=0.5, b/b;q=0.6'], 'b/b'],
    [['a/a;q=0.5, b/b'], 'b/b'],
    [['a/a;q=0.5', 'B/B ; Q=0.501'], 'b/b'],
    [['a/a;q=0, b/b;q=0.001'], 'b/b'],
    [['a/a;q=0'], undefined],
    [['a/a;v=1;q=0.1, b/b'], 'b/b'],
    [['a/a+x, a/aa'], undefined],
    [['*/*, a/*'], undefined],
    [[''], undefined],
    [[], undefined],
  ])('of %j is %s', (values, wanted) => {
    expect(acceptedOf(accepting(...values), ['a/a', 'b/b'])).toBe(wanted)
  })
})

test.each([
  ['text/event-stream', 'sse'],
  ['application/json', 'array'],
  ['application/json, text/event-stream;q=0.1', 'array'],
  ['application/jsonl;q=0.9, application/json;q=0.8', 'ndjson'],
  ['text/event-stream;q=0, */*', 'ndjson'],
  ['application/json+x', 'ndjson'],
  ['*/*', 'ndjson'],
])('a stream for who accepts %s is %s', (accept, format) => {
  expect(streamFormat(accepting(accept))).toBe(format)
})
