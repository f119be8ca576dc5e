// Routes whose answers come from functions: AWS Lambda by name or in this process, a Worker, a listener of node:http.
import { createBalancer, createRouter, json, proxy, serve } from 'gatelet'
import { fromFetch } from 'gatelet/fetch'
import { lambda, lambdaHttp, lambdaLocal, nodeFunction } from 'gatelet/functions'

// A function of AWS Lambda: here in this process, there by name.
const priceOf = async (event: { pathParameters?: Record<string, string>; queryStringParameters?: Record<string, string> }) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ item: event.pathParameters?.['item'], currency: event.queryStringParameters?.['currency'] ?? 'EUR' }),
})

// A Worker, as it is deployed elsewhere.
const worker = {
  fetch(request: Request, env: { greeting: string }) {
    return Response.json({ says: env.greeting, at: new URL(request.url).pathname })
  },
}

// One function in several places: whichever answers. To ask Amazon itself, give `lambdaHttp` a `sign`.
const { LAMBDA = 'http://127.0.0.1:9000', PORT = '8080' } = process.env
const orders = createBalancer({
  endpoints: LAMBDA.split(' ').map((url) => ({
    id: url,
    handler: lambda(lambdaHttp({ url, name: 'orders' }), { route: 'POST /orders', timeoutMs: 10_000 }),
  })),
})
const forward = proxy(orders, { retries: 1 })

const router = createRouter()
  .get('/prices/:item', lambda(lambdaLocal(priceOf), { route: 'GET /prices/{item}' }))
  .post('/orders', forward)
  .mount('/hello/*rest', fromFetch(worker, { env: { greeting: 'hello' } }))
  .get(
    '/legacy',
    nodeFunction((req, res) => res.writeHead(200, { 'content-type': 'text/plain' }).end(`legacy ${req.url}`)),
  )
  .get('/livez', () => json({ ok: true }))

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl ${server.url}/prices/tea?currency=USD`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  await forward.close()
  await orders.close()
})
