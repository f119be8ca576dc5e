import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { bytesOf, type Context, HeaderList, PushSource, type Reply, subscribe, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { baseline, seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { echo, head, until } from './serving.ts'

const count = process.env['HEAVY_SHORT'] === '1' ? 1_000 : 10_000
const atOnce = 40

/** What is open in the handlers: every exchange adds one and must take it off again. */
const open = { exchanges: 0, bodies: 0, upgraded: 0 }

async function handler(ctx: Context): Promise<Reply> {
  open.exchanges++
  ctx.onFinish(() => open.exchanges--)
  if (ctx.request.kind === 'upgrade') return upgraded()
  if (ctx.request.method === 'POST') return text(String((await bytesOf(ctx.request.body, 1e7)).byteLength))
  if (ctx.request.target === '/late') await turn()
  return ctx.request.target === '/stream' ? { status: 200, headers: new HeaderList(), body: endless() } : text('x'.repeat(5_000))
}

function endless(): PushSource {
  open.bodies++
  const chunk = Buffer.alloc(10_000)
  const pump = () => {
    while (body.push(chunk) && !body.isOver);
  }
  const body = new PushSource({ start: () => setImmediate(pump), pause() {}, resume: pump, cancel: () => open.bodies-- })
  return body
}

function upgraded(): Reply {
  const reply = echo()
  return {
    ...reply,
    upgrade(socket, first, headers) {
      open.upgraded++
      socket.on('close', () => open.upgraded--)
      reply.upgrade?.(socket, first, headers)
    },
  }
}

const requests = [
  head('GET /'),
  head('GET /late'),
  head('GET /late') + head('GET /late') + head('GET /late'),
  head('GET /stream'),
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n'.padEnd(1_060, 'x'),
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'5\r\nhello\r\n'.repeat(100)}`,
  head('GET /ws', 'Connection: upgrade\r\nUpgrade: websocket\r\n'),
  head('GET /', 'Connection: upgrade\r\nUpgrade: h2c\r\n'),
  head('GET /%zz'),
]

/** One client: sends some part of a request, takes some part of the answer, and leaves in one way or the other. */
function client(port: number, random: () => number): Promise<void> {
  const request = requests[Math.floor(random() * requests.length)] as string
  const part = random() < 0.3 ? request.slice(0, Math.floor(random() * request.length)) : request
  const wanted = Math.floor(random() * 20_000)
  const leave = random() < 0.5 ? 'destroy' : random() < 0.5 ? 'resetAndDestroy' : 'end'
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(part))
    const go = () => {
      clearTimeout(timer)
      socket[leave]()
      if (leave === 'end') socket.resume()
    }
    const timer = setTimeout(go, random() * 20)
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.byteLength
      if (received >= wanted) go()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

test(`${count} clients that leave at random moments leave nothing behind`, async () => {
  const before = baseline()
  const random = seededRandom(42)
  let finished = 0
  const unsubscribe = subscribe('request:finished', () => finished++)
  const server = await serve(handler, { port: 0, host: '127.0.0.1' })
  const outcomes = new Map<string, number>()
  const stop = subscribe('request:finished', ({ summary }) => {
    outcomes.set(summary.outcome, (outcomes.get(summary.outcome) ?? 0) + 1)
  })

  let started = 0
  const worker = async () => {
    while (started++ < count) await client(server.port, random)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))

  await until(() => server.connections === 0)
  expect(open).toEqual({ exchanges: 0, bodies: 0, upgraded: 0 })
  expect(outcomes.get('finished')).toBeGreaterThan(count / 10)
  expect(outcomes.get('aborted')).toBeGreaterThan(count / 20)
  const listeners = server.server.eventNames().map((name) => server.server.listenerCount(name))
  expect(Math.max(...listeners)).toBeLessThanOrEqual(2)
  const closed = finished
  expect(await server.close()).toEqual({ cut: 0 })
  expect(finished).toBe(closed)
  await before.settled()
  unsubscribe()
  stop()
})
