import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { baggageOf } from '../../src/traces/baggage.ts'
import { isSampled, parentOf, parentText, traceStateOf } from '../../src/traces/trace-parent.ts'

const list = (name: string, ...values: string[]) => new HeaderList(values.map((value) => [name, value] as const))
const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'

describe('traceparent', () => {
  test.each([
    [`00-${trace}-${span}-01`, 1],
    [`00-${trace}-${span}-00`, 0],
    [` 00-${trace}-${span}-03\t`, 3],
    // §4: flags that are not known are not passed on.
    [`00-${trace}-${span}-ff`, 3],
    // §3.2.3: of a version to come, what is known of it is read.
    [`cc-${trace}-${span}-01`, 1],
    [`cc-${trace}-${span}-01-what-the-future-will-be-like`, 1],
  ])('%j is read', (text, flags) => {
    const parent = parentOf(list('TraceParent', text))
    expect(parent).toEqual({ traceId: trace, spanId: span, flags })
    expect(parent && isSampled(parent)).toBe((flags & 1) === 1)
    expect(parent && parentText(parent)).toBe(`00-${trace}-${span}-0${flags}`)
  })

  test.each([
    '',
    '00',
    `00-${trace}-${span}`,
    `00-${trace}-${span}-1`,
    `00-${trace}-${span}-01-more`,
    `00-${trace}-${span}-01-`,
    `ff-${trace}-${span}-01`,
    `0-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span.toUpperCase()}-01`,
    `00-${trace.slice(1)}-${span}-01`,
    `00-${trace}-${span}x-01`,
    `00_${trace}_${span}_01`,
    `cc-${trace}-${span}-01.x`,
    `00-${trace}-${span}-0x`,
  ])('%j begins another trace', (text) => {
    expect(parentOf(list('traceparent', text))).toBeUndefined()
  })

  test('that comes twice, or not at all, begins another trace', () => {
    const text = `00-${trace}-${span}-01`
    expect(parentOf(list('traceparent', text, text))).toBeUndefined()
    expect(parentOf(new HeaderList())).toBeUndefined()
  })
})

describe('tracestate', () => {
  test.each([
    [['a=1'], 'a=1'],
    [['a=1,b=2', 'c=3'], 'a=1,b=2,c=3'],
    [['a=1 , , b=2'], 'a=1,b=2'],
    [['fw529a3039@dt=FfffFFfF;x', '0tenant@sys=1'], 'fw529a3039@dt=FfffFFfF;x,0tenant@sys=1'],
    [['a= x'], 'a= x'],
    [Array.from({ length: 32 }, (_, at) => `k${at}=v`), Array.from({ length: 32 }, (_, at) => `k${at}=v`).join(',')],
  ])('%j is passed on', (values, joined) => {
    expect(traceStateOf(list('tracestate', ...values))).toBe(joined)
  })

  test.each([
    [['']],
    [['A=1']],
    [['a']],
    [['a=']],
    [['a=1=2']],
    [['a=1,a=2']],
    [['a=1', 'b']],
    [[`a=${'x'.repeat(257)}`]],
    [[`${'a'.repeat(257)}=1`]],
    [Array.from({ length: 33 }, (_, at) => `k${at}=v`)],
  ])('%j is dropped whole', (values) => {
    expect(traceStateOf(list('tracestate', ...values))).toBeUndefined()
  })
})

describe('baggage', () => {
  test.each([
    ['a=1'],
    ['a=1;p=2;q, b = %20x ,c='],
    [Array.from({ length: 64 }, (_, at) => `k${at}=v`).join(',')],
    [`a=${'x'.repeat(8_190)}`],
  ])('%s is passed on as it came', (text) => {
    expect(baggageOf(list('baggage', text))).toBe(text)
  })

  test.each([
    '',
    'a',
    'a=1,',
    'a=ü',
    'a="x"',
    'a b=1',
    Array.from({ length: 65 }, (_, at) => `k${at}=v`).join(','),
    `a=${'x'.repeat(8_191)}`,
  ])('%s is dropped whole', (text) => {
    const headers = HeaderList.fromRaw(['baggage', text])
    expect(baggageOf(headers)).toBeUndefined()
  })
})

test('whatever comes is read or dropped, and what is made of it can be read', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom(...'0123456789abcdef-fF=, ;') }), { maxLength: 3 }), (texts) => {
      const parent = parentOf(list('traceparent', ...texts))
      if (parent) expect(parentOf(list('traceparent', parentText(parent)))).toEqual(parent)
      const state = traceStateOf(list('tracestate', ...texts))
      if (state !== undefined) expect(traceStateOf(list('tracestate', state))).toBe(state)
    }),
    { seed: 55, numRuns: 2_000 },
  )
})
