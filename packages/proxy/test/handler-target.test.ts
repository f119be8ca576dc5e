import { bytesOf, type ErrorCode, GatewayError, type Handler, text } from '@gatelet/core'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type CallRequest, call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const echo: Handler = async ({ request }) => text(`second ${Buffer.from(await bytesOf(request.body, 100)).toString()}`)

/** What comes of a request whose first endpoint is a function that fails so, and whose second answers. */
async function after(error: Error, request: CallRequest, options: ProxyOptions = {}) {
  const bodies: string[] = []
  const first: Handler = async (ctx) => {
    bodies.push(Buffer.from(await bytesOf(ctx.request.body, 100)).toString())
    throw error
  }
  const balancer = ledger([{ handler: first }, { handler: echo }])
  const reply = await call(proxy(balancer, options), request)
  const body = await reply.text()
  return { status: reply.status, body, bodies, kinds: balancer.kinds, open: balancer.open }
}

const failing = (code: ErrorCode) => new GatewayError(code)

describe('a function that fails', () => {
  test.each<[ErrorCode, string]>([
    ['UPSTREAM_CONNECT_FAILED', 'POST'],
    ['FUNCTION_BUSY', 'POST'],
    ['UPSTREAM_RESET', 'PUT'],
    ['UPSTREAM_HEADERS_TIMEOUT', 'PUT'],
  ])('by %s is followed by another for a %s, which gets the same body', async (code, method) => {
    const outcome = await after(failing(code), { method, body: 'hello' })
    expect(outcome).toEqual({ status: 200, body: 'second hello', bodies: ['hello'], kinds: ['failure', 'success'], open: 0 })
  })

  test.each<[ErrorCode, string, number]>([
    ['UPSTREAM_RESET', 'POST', 502],
    ['FUNCTION_FAILED', 'GET', 502],
    ['UPSTREAM_BAD_RESPONSE', 'GET', 502],
    ['FORBIDDEN', 'GET', 403],
    ['INTERNAL', 'GET', 500],
  ])('by %s is not for a %s', async (code, method, status) => {
    const outcome = await after(failing(code), { method, ...(method === 'GET' ? {} : { body: 'hello' }) })
    expect([outcome.status, outcome.kinds.length, outcome.open]).toEqual([status, 1, 0])
  })

  test('by an error of its own is not, and the client is told nothing of it', async () => {
    const outcome = await after(new Error('secret'), { method: 'GET' })
    expect([outcome.status, outcome.kinds]).toEqual([500, ['failure']])
    expect(outcome.body).not.toContain('secret')
  })

  test('is not followed where it may have read a body that comes bit by bit', async () => {
    const upload = trickle()
    upload.push('hello')
    upload.end()
    const outcome = await after(failing('UPSTREAM_CONNECT_FAILED'), { method: 'PUT', body: upload.body })
    expect([outcome.status, outcome.kinds]).toEqual([502, ['failure']])
  })

  test('is followed no more often than retries say', async () => {
    expect((await after(failing('UPSTREAM_CONNECT_FAILED'), { method: 'GET' }, { retries: 0 })).status).not.toBe(200)
  })
})

test('a function’s status is looked at as a server’s is', async () => {
  const balancer = ledger([{ handler: () => text('later', 503) }, { handler: echo }])
  const reply = await call(proxy(balancer, { retries: { statuses: [503], budget: false, baseMs: 1 } }), '/')
  expect([reply.status, await reply.text()]).toEqual([200, 'second '])
  expect(balancer.open).toBe(0)
})
