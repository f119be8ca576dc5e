import { createServer } from 'node:http'
import type { Middleware } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import express from 'express'

// Where to listen, where to tell how many requests were answered, and what stands in front of the route.
const [port, countPort, inFront] = process.argv.slice(2)

const passThrough: Middleware = (ctx, next) => next(ctx)

/** As a limiter does that has nothing to wait for. */
const threeHeaders: Middleware = (ctx, next) => {
  const reply = next(ctx)
  return reply instanceof Promise ? reply.then(announced) : announced(reply)
}

function announced<R extends { headers: { set(name: string, value: string): unknown } }>(reply: R): R {
  reply.headers.set('ratelimit-policy', '"default";q=100;w=60')
  reply.headers.set('ratelimit', '"default";r=99;t=60')
  reply.headers.set('x-request-id', '4bf92f3577b34da6')
  return reply
}

const awaiting: Middleware = async (ctx, next) => next(ctx)

const layers: Readonly<Record<string, Middleware>> = { passThrough, threeHeaders, awaiting }
const layer = layers[inFront ?? '']
const order = {
  id: 42,
  state: 'paid',
  total: 129.5,
  currency: 'EUR',
  lines: [
    { sku: 'a-1', count: 2 },
    { sku: 'b-7', count: 1 },
  ],
}
let answered = 0

const app = express()
if (layer) app.use(toExpress(layer))
app.get('/orders/:id', (_, res) => {
  answered++
  res.json(order)
})
app.listen(Number(port), '127.0.0.1')
createServer((_, res) => res.end(String(answered))).listen(Number(countPort), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
