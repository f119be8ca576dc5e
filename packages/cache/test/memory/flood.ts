// A process that floods a store and says what it takes. Arguments: what to flood it with, how many, `maxBytes`.
import { cachePolicy, evaluate, memoryCacheStore, type StoredMeta } from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'

const [shape, times, maxBytes] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]

const memory = () => {
  for (let times = 0; times < 3; times++) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, used: heapUsed + external }
}

// Headers as they come from a socket: texts of their own, each time.
const headers = (at: number) =>
  JSON.parse(
    JSON.stringify([
      ...['Content-Type', 'application/json; charset=utf-8', 'Cache-Control', 'public, max-age=3600, stale-while-revalidate=60'],
      ...['ETag', `"${at.toString(36)}-5f3a"`, 'Date', new Date(at).toUTCString(), 'Server', 'origin', 'Vary', 'Accept-Encoding'],
    ]),
  ) as string[]

const body = { small: 300, variants: 300, empty: 0, tagged: 300, hit: 300, page: 20_000, large: 400_000 }[shape as 'small'] ?? 300
// A slab of which bodies are slices, as those of sockets are.
let slab = Buffer.alloc(0)
let used = 0
function slice(bytes: number): Buffer {
  if (used + bytes > slab.length) [slab, used] = [Buffer.allocUnsafeSlow(Math.max(bytes, 65_536)), 0]
  used += bytes
  return slab.subarray(used - bytes, used)
}

const policy = cachePolicy()
const store = memoryCacheStore({ maxBytes })

function put(at: number): void {
  const key = shape === 'variants' ? 'http://a.example/one' : `http://a.example/some/path/of/the/shop/${at}?page=${at}`
  const meta: StoredMeta = {
    url: key,
    status: 200,
    headers: headers(at),
    requestHeaders: { 'accept-encoding': `gzip-${at}` },
    tags: shape === 'tagged' ? [`tag-${at}`, `group-${at % 100}`, `other-${at}`] : [],
    requestTimeMs: Date.now(),
    responseTimeMs: Date.now(),
  }
  const writer = store.open(key, `${at}`, meta)
  for (let left = body; left > 0; left -= 16_384) writer?.write(slice(Math.min(left, 16_384)))
  writer?.commit()
  // What is found out about it is kept with it.
  if (shape === 'hit') {
    const request = {
      method: 'GET',
      url: { scheme: 'http', host: 'a.example', path: '/', search: '' },
      headers: HeaderList.fromRaw([]),
    }
    evaluate(
      request as never,
      store.get(key).map(({ meta }) => meta),
      Date.now(),
      policy,
    )
  }
}

for (let at = 0; at < 2_000; at++) put(at)
store.purge({ all: true })
const before = memory()
let peak = 0
for (let at = 0; at < times; at++) {
  put(at)
  if (at % Math.ceil(times / 100) === 0) peak = Math.max(peak, process.memoryUsage().rss)
}
const counted = store.bytes
const keys = store.keys
const after = memory()
store.purge({ all: true })
const left = memory()
console.log(
  JSON.stringify({
    keys,
    counted,
    used: after.used - before.used,
    rss: after.rss - before.rss,
    peak: peak - before.rss,
    left: left.used - before.used,
  }),
)
