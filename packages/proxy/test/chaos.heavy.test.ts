import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createBalancer } from '@gatelet/balancer'
import { subscribe } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { baseline, origins, seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { countingClock } from '../../../test/faults/support/counting-clock.ts'
import { heldBytes } from '../src/held-bytes.ts'

const count = process.env['HEAVY_SHORT'] === '1' ? 500 : 10_000
const atOnce = 32

type Act = (req: IncomingMessage, res: ServerResponse) => unknown

/** What the upstream does with a request, as the client asks it to. */
const acts: Readonly<Record<string, Act>> = {
  answer: (req, res) => void req.resume().on('end', () => res.end('x'.repeat(2_000))),
  'answer early': (_, res) => void res.end('early'),
  'answer slowly': (req, res) => {
    req.resume()
    setTimeout(() => res.end('late'), 20)
  },
  'answer 500': (req, res) => void req.resume().on('end', () => res.writeHead(500).end('no')),
  'close after the answer': (req, res) => {
    res.on('finish', () => req.socket.destroy())
    req.resume().on('end', () => res.end('x'))
  },
  'reset before the head': (req) => void req.socket.resetAndDestroy(),
  'reset in the body': (_, res) => {
    res.writeHead(200, { 'content-length': 10_000 })
    res.write('x'.repeat(5_000), () => res.socket?.resetAndDestroy())
  },
  'close in the body': (_, res) => {
    res.writeHead(200)
    res.write('x'.repeat(5_000), () => res.socket?.destroy())
  },
  'hang before the head': () => {},
  'hang in the body': (_, res) => {
    res.writeHead(200, { 'content-length': 10_000 })
    res.write('x')
  },
  nonsense: (req) => void req.socket.end('hello world\r\n\r\n'),
  stream: (req, res) => {
    // To a HEAD, Node takes everything and sends nothing.
    if (req.method === 'HEAD') return void res.end()
    const more = () => {
      while (!res.destroyed && res.write('x'.repeat(16_384)));
    }
    res.on('drain', more)
    more()
  },
}

const names = Object.keys(acts)
const slow = new Set(['hang before the head', 'hang in the body'])

test(`${count} requests with clients that leave and upstreams that fail leave nothing behind`, async () => {
  const before = baseline()
  const outcomes: Record<string, number> = {}
  const warnings: string[] = []
  const onWarning = (warning: Error) => void warnings.push(String(warning))
  process.on('warning', onWarning)
  const clock = countingClock()
  const unsubscribe = subscribe('request:finished', ({ summary }) => {
    const name = `${summary.outcome} ${summary.status}`
    outcomes[name] = (outcomes[name] ?? 0) + 1
  })
  {
    await using farm = await origins(3, {
      keepRequests: 1,
      handler: (req, res) => void acts[String(req.headers['x-act'])]?.(req, res),
      upgrade: (_, socket) => void socket.destroy(),
    })
    const balancer = createBalancer({ endpoints: farm.urls, ejection: false })
    const handler = proxy(balancer, {
      clock,
      connections: 6,
      maxQueued: 4,
      queueMs: 300,
      timeouts: { connectMs: 1_000, headersMs: 100, bodyIdleMs: 100, totalMs: 2_000 },
    })
    const server = await serve(handler, { port: 0, host: '127.0.0.1', clock })
    const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
    const random = seededRandom(42)
    let left = count
    const client = async () => {
      while (left-- > 0) await oneClient(server.port, agent, random)
    }
    await Promise.all(Array.from({ length: atOnce }, client))

    await expect.poll(() => balancer.endpoints.map(({ inflight }) => inflight), { timeout: 10_000 }).toEqual([0, 0, 0])
    expect(heldBytes()).toBe(0)
    agent.destroy()
    // After all that it answers as before.
    expect((await fetch(server.url, { headers: { 'x-act': 'answer', connection: 'close' } })).status).toBe(200)
    await server.close({ delayMs: 0, graceMs: 1_000 })
    await handler.close()
    await balancer.close()
  }
  unsubscribe()
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
  expect(clock.pending()).toBe(0)
  // Each kind of end was met.
  expect(Object.keys(outcomes)).toEqual(
    expect.arrayContaining(['finished 200', 'finished 500', 'finished 502', 'finished 504', 'failed 200', 'aborted 499']),
  )
  await before.settled(10_000)
})

/** One request, at some point of which the client may leave. Settles when it is over for the client. */
function oneClient(port: number, agent: Agent, random: () => number): Promise<void> {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  let act = pick(names)
  // Those that hang take most of the time: some are enough.
  if (slow.has(act) && random() < 0.7) act = 'answer'
  if (random() < 0.03) return handshake(port, random)
  const leaves =
    act === 'stream' ? pick(['first byte', 'head']) : pick(['never', 'never', 'never', 'at once', 'soon', 'head', 'first byte'])
  return new Promise((resolve) => {
    const method = pick(['GET', 'GET', 'HEAD', 'PUT', 'POST'])
    const req = request({ host: '127.0.0.1', port, method, agent, headers: { 'x-act': act } })
    const leave = () => void req.destroy()
    req.on('error', () => {})
    req.on('close', () => resolve())
    req.on('response', (response) => {
      response.on('error', () => {})
      if (leaves === 'head') return leave()
      response.on('data', () => {
        if (leaves === 'first byte') leave()
      })
    })
    send(req, method, random)
    if (leaves === 'at once') setImmediate(leave)
    if (leaves === 'soon') setTimeout(leave, random() * 30)
  })
}

function send(req: ClientRequest, method: string, random: () => number): void {
  const body = Buffer.alloc(method === 'PUT' || method === 'POST' ? Math.floor(random() * 200_000) : 0)
  if (body.byteLength === 0 || random() < 0.5) {
    req.end(body)
  } else {
    req.write(body)
    setTimeout(() => req.end('end'), random() * 20)
  }
}

function handshake(port: number, random: () => number): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { 'x-act': 'answer' } })
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    if (random() < 0.5) setTimeout(() => socket.terminate(), random() * 10)
  })
}
