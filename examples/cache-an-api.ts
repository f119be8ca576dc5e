// An API behind a cache: prices that this process knows, articles of another server, and what is for one member alone.
import { cache, chain, createRouter, empty, json, type Middleware, memoryCacheStore, problem, proxy, serve } from 'gatelet'
import { cacheable } from 'gatelet/cache'
import { bytesOf, subscribe } from 'gatelet/core'

const { ARTICLES = 'http://127.0.0.1:4001', PORT = '8080' } = process.env

// For all clients. What replies say of themselves holds (`Cache-Control`), and for ten minutes an old one is better than an error.
const shared = cache({
  store: memoryCacheStore({ maxBytes: 256 * 1024 ** 2 }),
  defaults: { staleIfErrorMs: 600_000 },
  query: { ignore: ['utm_source', 'utm_campaign'] },
})

// For each member: replies to requests with credentials, which go to nobody else.
const members = cache({ per: 'principal' })

// A minute here, not at all in browsers, which no purge reaches; ten seconds more while it is made anew.
const aMinute = cacheable({ ttlMs: 60_000, browserMs: 0, staleWhileRevalidateMs: 10_000 })

const prices = new Map([
  ['7', 12],
  ['8', 30],
])

const api = createRouter()
  .get('/prices', () => aMinute(json(Object.fromEntries(prices)), ['prices']))
  .get('/prices/:id', ({ state: { params } }) => {
    const price = prices.get(params.id)
    return price === undefined ? problem({ status: 404, title: 'No such price' }) : aMinute(json({ price }), ['prices'])
  })
  // A write makes what is stored for its own URL invalid. That the list has changed too, only we know.
  .put('/prices/:id', async ({ request, state: { params } }) => {
    prices.set(params.id, Number(Buffer.from(await bytesOf(request.body, 100)).toString()))
    await shared.purge({ tag: 'prices' })
    return empty()
  })
  // What another server sends is stored for as long as it says itself.
  .mount('/articles/*rest', proxy(ARTICLES))

// Stands for `auth(…)`: see the guide on protecting an API.
const signedIn: Middleware<{}, { principal: { subject: string } }> = (ctx, next) => {
  const subject = ctx.request.headers.get('authorization')
  return subject === undefined ? problem({ status: 401, title: 'Who are you?' }) : next(ctx.with({ principal: { subject } }))
}

const me = chain()
  .use(signedIn)
  .use(members)
  .to(({ state }) => aMinute(json({ you: state.principal.subject, since: Date.now() })))

const router = createRouter()
  .get('/me', me)
  .get('/stats', () => json(shared.stats(), { headers: { 'cache-control': 'no-store' } }))
  .mount('/*rest', chain().use(shared).to(api))

subscribe('cache:answered', ({ context, result, detail }) => {
  console.log(context.request.url.path, result, detail ?? '')
})

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/prices/7, twice`)
process.once('SIGTERM', () => void server.close({ graceMs: 10_000 }))
