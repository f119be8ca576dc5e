import { createHash } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { cache, memoryCacheStore } from '@gatelet/cache'
import { chain, HeaderList, type Middleware } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { LRUCache } from 'lru-cache'
import { Agent, cacheStores, interceptors, request } from 'undici'

// Answers from memory what it was asked once. Where to listen, where to tell how many requests were answered, in which way, and whom
// undici asks.
const [port, countPort, way, originUrl = ''] = process.argv.slice(2)
const maxBytes = 64 * 1_048_576

let answered = 0

/** The least that node:http can do: one look-up by the URL, no rule kept. */
const bare = () => {
  const known = new LRUCache<string, { readonly headers: string[]; readonly body: Buffer; readonly at: number }>({
    maxSize: maxBytes,
    sizeCalculation: ({ body }) => body.length + 500,
  })
  const remembered = (url: string) => {
    const entry = { ...made(url), at: Date.now() }
    known.set(url, entry)
    return entry
  }
  return createServer((req, res) => {
    const url = req.url ?? '/'
    const entry = known.get(url) ?? remembered(url)
    const age = Math.floor((Date.now() - entry.at) / 1_000)
    res.writeHead(200, [...entry.headers, 'Age', String(age)]).end(entry.body)
  })
}

// `serve` has a listener of its own, in place of Node's.
const counted: Middleware = (ctx, next) => {
  answered++
  return next(ctx)
}

const gatelet = async () => {
  const handler = chain()
    .use(counted)
    .use(cache({ store: memoryCacheStore({ maxBytes }) }))
    .to((ctx) => {
      const { headers, body } = made(ctx.request.url.path)
      return { status: 200, headers: HeaderList.fromRaw(headers), body }
    })
  return (await serve(handler, { port: Number(port), host: '127.0.0.1' })).server
}

/** The same answers, made once and known to the handler: what is more in the row above is the cache's. */
const served = async () => {
  const known = new Map(['/small/42', '/large/42'].map((path) => [path, made(path)]))
  const handler = chain()
    .use(counted)
    .to((ctx) => {
      const { headers, body } = known.get(ctx.request.url.path) ?? made('')
      return { status: 200, headers: HeaderList.fromRaw([...headers, 'Age', '0']), body }
    })
  return (await serve(handler, { port: Number(port), host: '127.0.0.1' })).server
}

/** As undici's own pages show it: `request` with the interceptor, and its body into the response. */
const undici = () => {
  const dispatcher = new Agent().compose(interceptors.cache({ store: new cacheStores.MemoryCacheStore({ maxSize: maxBytes }) }))
  const relay: RequestListener = async (req, res) => {
    const { statusCode, headers, body } = await request(`${originUrl}${req.url}`, { dispatcher, headers: req.headers })
    res.writeHead(statusCode, headers)
    body.pipe(res)
  }
  return createServer((req, res) => void relay(req, res))
}

function made(path: string): { headers: string[]; body: Buffer } {
  const body = Buffer.alloc(path.startsWith('/large') ? 102_400 : 1_024, 'x')
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=86400', 'ETag', etag]
  return { headers: [...headers, 'Date', new Date().toUTCString(), 'Content-Length', String(body.length)], body }
}

const origin = () =>
  createServer((req, res) => {
    const { headers, body } = made(req.url ?? '/')
    res.writeHead(200, headers).end(body)
  })

const ways: Readonly<Record<string, () => Server | Promise<Server>>> = { bare, gatelet, served, undici, origin }
const server = await (ways[way ?? ''] ?? bare)()
if (way !== 'gatelet' && way !== 'served') server.on('request', () => answered++)
if (!server.listening) server.listen(Number(port), '127.0.0.1')
createServer((_, res) => res.end(String(answered))).listen(Number(countPort), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
