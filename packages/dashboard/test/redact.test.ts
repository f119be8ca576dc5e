import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redacted } from '../src/redact.ts'

test.each([
  ['connect ECONNREFUSED 10.0.0.1:4001', 'connect ECONNREFUSED 10.0.0.1:4001'],
  ['GET http://ada:pass@db.internal.example/x?key=1 failed', 'GET http://…@db.internal.example/x?… failed'],
  ['Authorization: Bearer abc.def', 'Authorization: … …'],
  ['bad header Basic dXNlcjpwYXNz', 'bad header Basic …'],
  ['token eyJhbGciOi.eyJzdWIi.c2ln was late', 'token … was late'],
  ['api_key=12345 and password: "hunter2"', 'api_key=… and password: …'],
  ['/reset/0123456789abcdef0123456789abcdef', '/reset/…'],
  ['a\r\nb\u001b[31mc\u202ed', 'a··b·[31mc·d'],
])('%j is shown as %j', (text, shown) => {
  expect(redacted(text)).toBe(shown)
})

test('is short, and of characters that do nothing, whatever comes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
      const shown = redacted(text)
      expect(shown.length).toBeLessThanOrEqual(301)
      expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u)
    }),
    { seed: 12 },
  )
})
