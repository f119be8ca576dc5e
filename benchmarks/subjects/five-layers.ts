import { randomUUID } from 'node:crypto'
import { type Middleware, text } from '@gatelet/core'

// Five layers of the kinds that gateways have, each as its author would write it at first.

/** Counts requests by status, as metrics do: told by the socket side, when all is over. */
export const counted: Middleware = function counted(ctx, next) {
  ctx.onFinish(({ status, durationMs }) => {
    counts.set(status, (counts.get(status) ?? 0) + 1)
    busyMs += durationMs
  })
  return next(ctx)
}
const counts = new Map<number, number>()
let busyMs = 0
process.once('exit', () => console.error('requests by status', counts, 'together', busyMs, 'ms'))

/** Gives each reply a number by which people can ask for it. */
export const numbered: Middleware = async function numbered(ctx, next) {
  const id = ctx.request.headers.get('x-request-id') ?? randomUUID()
  const reply = await next(ctx)
  reply.headers.set('x-request-id', id)
  return reply
}

/** A limit by the generic cell rate algorithm, of one number for each client, that the load never reaches. */
export const limited: Middleware = function limited(ctx, next) {
  const now = Date.now()
  const key = ctx.request.client.address
  const free = Math.max(theoreticalArrivals.get(key) ?? 0, now)
  if (free - now > toleranceMs) return text('too many requests', 429)
  theoreticalArrivals.set(key, free + spacingMs)
  return next(ctx)
}
// All clients are this machine, so it does not grow.
const theoreticalArrivals = new Map<string, number>()
const spacingMs = 1 / 1_000
const toleranceMs = 1_000

interface Principal {
  readonly subject: string
}

/** Knows who is asking by a token, and hands that on. */
export const authenticated: Middleware<{}, { principal: Principal }> = function authenticated(ctx, next) {
  const credential = ctx.request.headers.get('authorization')
  const principal = credential?.startsWith('Bearer ') && principals.get(credential.slice(7))
  if (!principal) return text('who are you?', { status: 401, headers: { 'www-authenticate': 'Bearer' } })
  return next(ctx.with({ principal }))
}
const principals = new Map([['3f9c1d6e7a', { subject: 'benchmark' }]])

/** Does nothing, and costs a promise. */
export const passed: Middleware = async function passed(ctx, next) {
  return next(ctx)
}
