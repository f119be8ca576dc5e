import { type LambdaContext, type LambdaFunction, lambda, lambdaLocal } from '@gatelet/functions'
import { call, exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const told = async (fn: LambdaFunction) => {
  const answer = await call(lambda(lambdaLocal(fn)))
  return [answer.status, await answer.text()]
}

test.each<[string, LambdaFunction]>([
  ['a promise', async () => ({ statusCode: 200, body: 'ok' })],
  ['a value', () => ({ statusCode: 200, body: 'ok' })],
  ['a call-back', (_event, _context, callback) => void setImmediate(() => callback(null, { statusCode: 200, body: 'ok' }))],
  ['succeed', (_event, context, _callback) => context.succeed({ statusCode: 200, body: 'ok' })],
])('a function answers by %s', async (_, fn) => {
  expect(await told(fn)).toEqual([200, 'ok'])
})

test.each<[string, LambdaFunction]>([
  ['throws', () => Promise.reject(new Error('secret'))],
  [
    'throws at once',
    () => {
      throw new Error('secret')
    },
  ],
  ['calls back with an error', (_event, _context, callback) => callback(new Error('secret'))],
  ['calls back with a text', (_event, _context, callback) => callback('secret')],
  ['says that it failed', (_event, context, _callback) => context.fail('secret')],
  ['throws no error', () => Promise.reject('secret')],
])('a function that %s is 502, and what it said stays here', async (_, fn) => {
  const [status, body] = await told(fn)
  expect([status, JSON.parse(String(body))]).toEqual([
    502,
    { code: 'FUNCTION_FAILED', status: 502, title: 'The function failed' },
  ])
})

test('a function is told of itself, and how long it has', async () => {
  const clock = virtualClock()
  const remaining: number[] = []
  let seen: LambdaContext | undefined
  const fn: LambdaFunction = async (_event, context) => {
    seen = context
    remaining.push(context.getRemainingTimeInMillis())
    await clock.advance(400)
    remaining.push(context.getRemainingTimeInMillis())
    return 'ok'
  }
  await call(lambda(lambdaLocal(fn, { name: 'orders', memoryMb: 256, clock }), { timeoutMs: 1_000, clock }))
  expect(remaining).toEqual([1_000, 600])
  expect(seen).toMatchObject({ functionName: 'orders', functionVersion: '$LATEST', memoryLimitInMB: '256' })
})

test('a function gets a copy of the event, and what JSON cannot say is lost on its way back', async () => {
  expect(await told(async () => ({ statusCode: 200, headers: { x: undefined }, body: 'a', more: () => 1 }))).toEqual([200, 'a'])
})

test('a late function is not waited for, and neither is one whose client has left', async () => {
  const clock = virtualClock()
  const handler = lambda(
    lambdaLocal(() => new Promise(() => {})),
    { timeoutMs: 500, clock },
  )
  const late = call(handler)
  await clock.advance(500)
  expect((await late).status).toBe(504)
  const side = exchange('/')
  const answer = handler(side.ctx)
  side.abort()
  await expect(answer).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
})
