import { type ErrorCode, errorTable, GatewayError, problem } from '@gatelet/core'
import { describe, expect, test } from 'vitest'

const rows = Object.entries(errorTable) as [ErrorCode, (typeof errorTable)[ErrorCode]][]

test('the codes, and what each means to a client, are stable', () => {
  // Whoever changes a line here changes what users match on.
  const table = rows.map(([code, { status, side, retryable }]) => `${code} ${status} ${side}${retryable ? ' retryable' : ''}`)
  expect(table).toMatchInlineSnapshot(`
    [
      "BAD_TARGET 400 client",
      "BAD_HOST 400 client",
      "BAD_FRAMING 400 client",
      "BAD_REQUEST 400 client",
      "INVALID_REQUEST 400 client",
      "MALFORMED_BODY 400 client",
      "UNKNOWN_VERSION 400 client",
      "BAD_CREDENTIALS 400 client",
      "UNAUTHENTICATED 401 client",
      "FORBIDDEN 403 client",
      "NOT_FOUND 404 client",
      "ADDRESS_DENIED 403 client",
      "ORIGIN_DENIED 403 client",
      "METHOD_NOT_ALLOWED 405 client",
      "NOT_ACCEPTABLE 406 client",
      "REQUEST_TIMEOUT 408 client retryable",
      "LENGTH_REQUIRED 411 client",
      "CONFLICT 409 client",
      "RACE 409 client retryable",
      "PRECONDITION_FAILED 412 client",
      "PRECONDITION_REQUIRED 428 client",
      "BODY_TOO_LARGE 413 client",
      "UNSUPPORTED_MEDIA_TYPE 415 client",
      "TARGET_TOO_LONG 414 client",
      "EXPECTATION_FAILED 417 client",
      "INVALID_BODY 422 client",
      "UPGRADE_REFUSED 400 client",
      "UPGRADE_REQUIRED 426 client",
      "HEADERS_TOO_LARGE 431 client",
      "CLIENT_CLOSED 499 client",
      "METHOD_NOT_IMPLEMENTED 501 client",
      "BAD_OPTION 500 gateway",
      "BAD_HEADER 500 gateway",
      "BAD_REPLY 500 gateway",
      "BODY_USED 500 gateway",
      "BODY_PARSED 500 gateway",
      "CHANGE_REFUSED 500 gateway",
      "NEXT_TWICE 500 gateway",
      "INTERNAL 500 gateway",
      "DATABASE_FAILED 500 gateway",
      "LOOP_DETECTED 508 gateway",
      "UPGRADE_UNSUPPORTED 501 gateway",
      "RESPONSE_TOO_LARGE 502 gateway",
      "NO_ENDPOINT 503 gateway retryable",
      "QUEUE_FULL 503 gateway retryable",
      "QUEUE_TIMEOUT 503 gateway retryable",
      "OVERLOADED 503 gateway retryable",
      "DRAINING 503 gateway retryable",
      "AUTH_UNAVAILABLE 503 gateway retryable",
      "MAINTENANCE 503 gateway retryable",
      "STORE_UNAVAILABLE 503 gateway retryable",
      "STORE_TIMEOUT 503 gateway retryable",
      "NOT_CACHED 504 gateway retryable",
      "DEADLINE_EXCEEDED 504 gateway retryable",
      "FUNCTION_FAILED 502 upstream",
      "FUNCTION_BUSY 503 upstream retryable",
      "DATABASE_BUSY 503 upstream retryable",
      "DATABASE_UNAVAILABLE 503 upstream retryable",
      "DATABASE_TIMEOUT 504 upstream retryable",
      "PART_FAILED 502 upstream retryable",
      "DISCOVERY_FAILED 502 upstream retryable",
      "UPSTREAM_CONNECT_FAILED 502 upstream retryable",
      "UPSTREAM_RESET 502 upstream retryable",
      "UPSTREAM_BAD_RESPONSE 502 upstream",
      "UPSTREAM_ADDRESS_REFUSED 502 upstream",
      "UPSTREAM_CERTIFICATE 502 upstream",
      "UPSTREAM_TLS 502 upstream",
      "UPSTREAM_CONNECT_TIMEOUT 504 upstream retryable",
      "UPSTREAM_TLS_TIMEOUT 504 upstream retryable",
      "UPSTREAM_ATTEMPT_TIMEOUT 504 upstream retryable",
      "UPSTREAM_HEADERS_TIMEOUT 504 upstream retryable",
      "UPSTREAM_BODY_TIMEOUT 504 upstream retryable",
    ]
  `)
})

describe('each row', () => {
  test.each(rows)('%s is complete', (code, { status, side, title }) => {
    expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)*$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
    if (side === 'client') expect([...Array(100).keys()].map((n) => 400 + n).concat(501)).toContain(status)
    if (side === 'upstream') expect([502, 503, 504]).toContain(status)
    if (side === 'gateway') expect([500, 501, 502, 503, 504, 508]).toContain(status)
  })

  test('has a title of its own', () => {
    expect(new Set(rows.map(([, { title }]) => title)).size).toBe(rows.length)
  })

  test.each(rows)('%s tells a client nothing of message and cause', (code, row) => {
    const error = new GatewayError(code, { message: 'secret', path: 'secret', cause: new Error('secret') })
    expect(JSON.parse(String(problem(error).body))).toEqual({ title: row.title, status: row.status, code })
    expect(problem(error).status).toBe(row.status)
  })
})

describe('a GatewayError', () => {
  test('has what its row says', () => {
    expect(new GatewayError('NO_ENDPOINT')).toMatchObject({
      name: 'GatewayError',
      code: 'NO_ENDPOINT',
      status: 503,
      side: 'gateway',
      retryable: true,
      title: 'No server can take the request now',
      message: 'No server can take the request now',
      detail: undefined,
      path: undefined,
      headers: {},
    })
  })

  test('has a message for the log: its own, else the detail, else the title', () => {
    expect(new GatewayError('BAD_TARGET', { message: 'own', detail: 'told' }).message).toBe('own')
    expect(new GatewayError('BAD_TARGET', { detail: 'told' }).message).toBe('told')
  })

  test('keeps its cause, and has none where none was given', () => {
    const cause = new Error('beneath')
    expect(new GatewayError('INTERNAL', { cause }).cause).toBe(cause)
    expect('cause' in new GatewayError('INTERNAL')).toBe(false)
  })

  test('is an Error with a stack', () => {
    const error = new GatewayError('INTERNAL')
    expect(error).toBeInstanceOf(Error)
    expect(error.stack).toContain('errors.test.ts')
  })
})
