import { HeaderList } from '@gatelet/core'
import { type Forwarder, proxy } from '@gatelet/proxy'
import { aggregate, part } from '@gatelet/router'
import { baseline, exchange, type OriginHandler, origins, seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'

const rounds = process.env['HEAVY_SHORT'] === '1' ? 50 : 300

test('clients that leave and servers that break off at any moment leave nothing open, and end no process', async () => {
  const before = baseline()
  const random = seededRandom(7)
  const statuses = new Map<number, number>()
  const rejections: unknown[] = []
  const heard = (error: unknown) => void rejections.push(error)
  process.on('unhandledRejection', heard)
  {
    await using farm = await origins(4, { handler: moody(random) })
    const proxies = farm.urls.map((url) => proxy(url, { retries: 0 }))
    const [first, second, third, fourth] = proxies as [Forwarder, Forwarder, Forwarder, Forwarder]
    const user = part({ from: first, optional: true })
    const handler = aggregate({
      user,
      orders: part({ from: second, after: { user }, request: '/orders', optional: true }),
      news: part({ from: third, request: '/news', maxBytes: 5_000, notFound: 'null' }),
      more: part({ from: fourth, optional: true, timeoutMs: 20, group: 'more.of.it' }),
      own: part({ from: () => ({ status: 200, headers: new HeaderList({ 'content-type': 'application/json' }), body: '[1]' }) }),
    })
    for (let round = 0; round < rounds; round++) {
      const asked = exchange('/')
      const answering = asked.ask(handler)
      if (random() < 0.3) setTimeout(() => asked.abort(), random() * 8)
      const reply = await answering
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
      await reply.bytes().catch(() => {})
      asked.finish()
    }
    await Promise.all(proxies.map((each) => each.close()))
  }
  await before.settled()
  process.off('unhandledRejection', heard)
  expect(rejections).toEqual([])
  // Who left is 499, if it left before there was a reply.
  expect([...statuses.keys()].filter((status) => status !== 499).sort()).toEqual([200, 502])
}, 60_000)

/** Answers well, late, wrongly, or not to the end. */
function moody(random: () => number): OriginHandler {
  return (_, res) => {
    const mood = random()
    const json = { 'content-type': 'application/json' }
    if (mood < 0.5) res.writeHead(200, json).end('{"a":[1,2,3]}')
    else if (mood < 0.6) setTimeout(() => res.writeHead(200, json).end('1'), random() * 30)
    else if (mood < 0.7) res.writeHead(500).end('no')
    else if (mood < 0.75) res.writeHead(404, json).end('{}')
    else if (mood < 0.85) res.writeHead(200, json).end(`"${'x'.repeat(200_000)}"`)
    else if (mood < 0.9) res.writeHead(200, { ...json, 'content-length': 100 }).write('[1,', () => res.destroy())
    else if (mood < 0.95) res.destroy()
    else res.writeHead(200, json).end('{"a":')
  }
}
