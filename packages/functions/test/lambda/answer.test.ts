import { type LambdaOptions, lambda, lambdaLocal } from '@gatelet/functions'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

/** What the client gets for what a function returns. */
async function answered(result: unknown, given: LambdaOptions = {}) {
  const answer = await call(
    lambda({ invoke: async () => Buffer.from(typeof result === 'string' ? result : JSON.stringify(result)) }, given),
  )
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    cookies: answer.headers.getSetCookie(),
    body: await answer.text(),
  }
}

describe('format 2.0', () => {
  test.each([
    [{ message: 'hi' }, '{"message":"hi"}'],
    [[1, 2], '[1,2]'],
    [7, '7'],
    [null, 'null'],
    ['"a text"', 'a text'],
    ['', 'null'],
  ])('takes %j without a statusCode for the body of a 200', async (result, body) => {
    expect(await answered(result)).toMatchObject({ status: 200, body, headers: { 'content-type': 'application/json' } })
  })

  test('has status, headers, cookies and a body', async () => {
    const answer = await answered({
      statusCode: 201,
      headers: { 'Content-Type': 'text/html', 'X-Number': 7, 'x-flag': true, 'x-none': null },
      cookies: ['a=1', 'b=2; Path=/'],
      body: '<p>',
    })
    expect(answer).toMatchObject({ status: 201, body: '<p>', cookies: ['a=1', 'b=2; Path=/'] })
    expect(answer.headers).toMatchObject({ 'Content-Type': 'text/html', 'X-Number': '7', 'x-flag': 'true' })
    expect(answer.headers).not.toHaveProperty('x-none')
  })

  test('takes the status as text, as API Gateway does', async () => {
    expect(await answered({ statusCode: '404' })).toMatchObject({ status: 404, body: '' })
  })

  test('decodes a body of base64, line breaks among it', async () => {
    const body = Buffer.from([0, 255, 128, 1]).toString('base64')
    expect((await answered({ statusCode: 200, body, isBase64Encoded: true })).body).toBe(Buffer.from([0, 255, 128, 1]).toString())
    expect((await answered({ statusCode: 200, body: 'aGVs\r\nbG8=', isBase64Encoded: true })).body).toBe('hello')
  })

  test('says nothing of how it is framed', async () => {
    const headers = { 'Content-Length': '999', Connection: 'close', 'Transfer-Encoding': 'chunked', 'x-a': '1' }
    const answer = await answered({ statusCode: 200, headers, body: 'abc' })
    expect([answer.status, answer.body, answer.headers['Transfer-Encoding'], answer.headers['x-a']]).toEqual([
      200,
      'abc',
      undefined,
      '1',
    ])
  })
})

describe.each(['1.0', 'alb', 'alb-multi-value'] as const)('format %s', (payload) => {
  test('has headers of both kinds, of which the multiple win', async () => {
    const answer = await answered(
      {
        statusCode: 200,
        statusDescription: '200 OK',
        headers: { 'x-one': 'a', 'X-Two': 'lost' },
        multiValueHeaders: { 'x-two': ['b', 'c'], 'set-cookie': ['d=1', 'e=2'] },
        body: 'x',
      },
      { payload },
    )
    expect(answer).toMatchObject({ status: 200, cookies: ['d=1', 'e=2'], body: 'x' })
    expect(Object.keys(answer.headers)).not.toContain('X-Two')
  })

  test.each([{}, { body: 'x' }, null, 'null', '"text"', 7])('needs a statusCode: %j', async (result) => {
    expect((await answered(result, { payload })).status).toBe(502)
  })
})

test.each([
  'no json',
  '{',
  { statusCode: 99 },
  { statusCode: 101 },
  { statusCode: 600 },
  { statusCode: 200.5 },
  { statusCode: 'abc' },
  { statusCode: {} },
  { statusCode: 200, headers: 'x' },
  { statusCode: 200, headers: [] },
  { statusCode: 200, headers: { 'x y': '1' } },
  { statusCode: 200, headers: { x: 'a\r\nset-cookie: b' } },
  { statusCode: 200, headers: { x: { y: 1 } } },
  { statusCode: 200, multiValueHeaders: { x: 'y' } },
  { statusCode: 200, cookies: 'a=1' },
  { statusCode: 200, cookies: [{}] },
  { statusCode: 200, body: {} },
  { statusCode: 200, body: 7 },
  { statusCode: 200, body: 'no base64!', isBase64Encoded: true },
  { statusCode: 200, body: 'abcde', isBase64Encoded: true },
])('%j is no answer: 502, and nothing of it is told', async (result) => {
  const answer = await answered(result)
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([502, 'UPSTREAM_BAD_RESPONSE'])
  expect(answer.body).not.toMatch(/set-cookie|base64|statusCode/)
})

test('an answer that is too long is 502', async () => {
  const handler = lambda(
    lambdaLocal(() => 'x'.repeat(1_000)),
    { maxResponseBytes: 1_001 },
  )
  const answer = await call(handler)
  expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([502, 'RESPONSE_TOO_LARGE'])
})
