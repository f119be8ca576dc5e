// One gateway before three kinds of backend: a service, a function and a table. Who asks, how often and what is known already is
// decided once, in front of all of them.
import { PGlite } from '@electric-sql/pglite'
import { cache, chain, createBalancer, createRouter, json, type Middleware, problem, proxy, rateLimit, serve } from 'gatelet'
import { bind, pgDatabase, pgliteDatabase, query, sql } from 'gatelet/database'
import { lambda, lambdaLocal } from 'gatelet/functions'
import { Pool } from 'pg'
import { z } from 'zod'

const { DATABASE_URL, SERVICE = 'http://127.0.0.1:4001', KEY = 'k-ada', PORT = '8080' } = process.env

// The table: in PostgreSQL where there is one, else in this process.
const pool = DATABASE_URL ? new Pool({ connectionString: DATABASE_URL, max: 20 }) : undefined
const lite = pool ? undefined : await PGlite.create()
const database = pool ? pgDatabase(pool) : pgliteDatabase(lite as PGlite)
const setUp = `create table if not exists products (id int primary key, title text not null, price numeric not null);
  insert into products values (1, 'tea', 4.5), (2, 'milk', 1.2) on conflict do nothing`
await (pool ? pool.query(setUp) : lite?.exec(setUp))
const product = query({
  database,
  mode: 'one',
  input: z.object({ id: z.coerce.number().int() }),
  sql: sql`select id, title, price from products where id = ${bind('id')}`,
  headers: { 'cache-control': 'max-age=60' },
})

// The function, as it would be deployed to AWS Lambda.
const quote = lambda(
  lambdaLocal(async (event: { pathParameters?: Record<string, string> }) => ({
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=60' },
    body: JSON.stringify({ item: event.pathParameters?.['item'], cents: 450 }),
  })),
  { route: 'GET /quotes/{item}' },
)

// The service.
const stock = createBalancer({ endpoints: SERVICE.split(' ') })
const forward = proxy(stock)

const membersOnly: Middleware = (ctx, next) =>
  ctx.request.headers.get('x-api-key') === KEY ? next(ctx) : problem({ status: 401, title: 'Who are you?' })

const members = chain()
  .use(rateLimit({ limit: 100, per: '1m' }))
  .use(membersOnly)
  .use(cache())
const router = createRouter()
  .get('/livez', () => json({ ok: true }))
  .get('/products/:id', members.to(product))
  .get('/quotes/:item', members.to(quote))
  .mount('/stock/*rest', members.to(forward))

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -H 'x-api-key: ${KEY}' ${server.url}/products/1`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  await forward.close()
  await stock.close()
  await pool?.end()
  await lite?.close()
})
