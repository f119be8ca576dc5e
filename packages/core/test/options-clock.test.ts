import { type GatewayError, options, systemClock } from '@gatelet/core'
import { expect, test } from 'vitest'

test('takes a clock as it is', () => {
  expect(options.clock(systemClock, 'clock')).toBe(systemClock)
})

test.each([
  ['nothing', undefined],
  ['a number', 7],
  ['the class Date', Date],
  ['a clock without timers', { ...systemClock, setTimer: undefined }],
])('refuses %s as a clock, and says what a clock has', (_, value) => {
  expect(() => options.clock(value, 'clock')).toThrow(
    expect.objectContaining<Partial<GatewayError>>({
      code: 'BAD_OPTION',
      path: 'clock',
      message: expect.stringContaining('clock must be a clock, with now, date, random and setTimer'),
    }),
  )
})
