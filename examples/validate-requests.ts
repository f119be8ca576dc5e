// An API of which nobody behind sees a wrong request: the first version by schemas, the second by an OpenAPI document.
import { readFile } from 'node:fs/promises'
import { createBalancer, createRouter, json, type Middleware, problem, proxy, serve } from 'gatelet'
import { fromOpenAPI, validate, versions } from 'gatelet/router'
import { z } from 'zod'

const { ORIGINS = 'http://127.0.0.1:4001', PORT = '8080' } = process.env
const balancer = createBalancer({ endpoints: ORIGINS.split(' ') })
const orders = proxy(balancer)
const price = (item: string, amount: number) => json({ item, total: item.length * amount })

const order = z.object({
  item: z
    .string()
    .regex(/^[a-z]+$/)
    .max(40),
  amount: z.int().min(1).max(100),
})
const first = createRouter()
  .post('/orders', validate({ body: order }), orders)
  .get(
    '/prices/:item',
    validate({ params: z.object({ item: z.string().max(40) }), query: z.object({ amount: z.coerce.number().int().default(1) }) }),
    ({ state }) => price(state.valid.params.item, state.valid.query.amount),
  )

const withKey: Middleware = (ctx, next) =>
  ctx.request.headers.get('x-api-key') === 'secret' ? next(ctx) : problem({ status: 401, title: 'An API key is needed' })

const document = JSON.parse(await readFile(new URL('orders.openapi.json', import.meta.url), 'utf8')) as object
const second = await fromOpenAPI(document, {
  backends: { orders },
  handlers: { getPrice: ({ state }) => price(String(state.valid.params['item']), 1) },
  security: () => withKey,
})

const api = versions({
  by: 'path',
  latest: '2',
  versions: { '1': { handler: first, deprecated: '2026-11-01', sunset: '2027-06-30' }, '2': second },
})
const server = await serve(api, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/v1/prices/tea?amount=x`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await orders.close()
  await balancer.close()
})
