import { subscribe } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { baseline, rawRequest, seededRandom } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { type Front, fronts } from './support/fronts.ts'
import { send } from './support/pipeline.ts'
import { recordingUpstream } from './support/recording-upstream.ts'
import { message } from './support/room.ts'

const isShort = process.env['HEAVY_SHORT'] === '1'
const seconds = isShort ? 3 : 120

// Requests that are right, from which bytes are taken, changed, doubled and moved.
const seeds = [
  message('GET /a', ['X-Id: 1']),
  message('POST /a', ['Content-Length: 11'], 'hello world'),
  message('POST /a', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n'),
  message('PUT http://a.test/b?c=d', ['Expect: 100-continue', 'Content-Length: 5'], 'hello'),
  message('GET /ws', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]),
  message('GET /a', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  message('OPTIONS *'),
  message('HEAD /a', ['Connection: x-a, close', 'X-A: 1', 'TE: trailers', 'Cookie: a=b']),
].map((text) => Buffer.from(text, 'latin1'))

const spice = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '5\r\n',
  '\xff',
  '%00',
  '//',
  '..',
  'chunked',
  '\x0b',
  '#',
  '\\',
]
const fieldSpice = [
  'Content-Length: 5',
  'Content-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: x',
  'Host: b',
  'Connection: host',
  'X: a\r\n b',
]

/** One mutant. */
function mutant(random: () => number): Buffer {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  let bytes: Buffer = pick(seeds)
  for (let changes = Math.floor(random() * 4); changes >= 0; changes--) bytes = changed(bytes, random, pick)
  return bytes
}

function changed(bytes: Buffer, random: () => number, pick: <T>(list: readonly T[]) => T): Buffer {
  const at = Math.floor(random() * bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (Math.floor(random() * 6)) {
    case 0:
      return Buffer.concat([before, Buffer.from(pick(spice), 'latin1'), after])
    case 1:
      return Buffer.concat([before, after.subarray(1 + Math.floor(random() * 8))])
    case 2:
      return Buffer.concat([before, Buffer.from([Math.floor(random() * 256)]), after.subarray(1)])
    case 3:
      return Buffer.concat([before, before.subarray(-Math.floor(random() * 30)), after])
    case 4: {
      const line = bytes.indexOf('\r\n') + 2
      return Buffer.concat([bytes.subarray(0, line), Buffer.from(`${pick(fieldSpice)}\r\n`, 'latin1'), bytes.subarray(line)])
    }
    default:
      return Buffer.concat([bytes, pick(seeds)])
  }
}

describe.each(fronts)('on $name', (front) => {
  test(`${seconds} s of mutants crash nothing, and each request that an upstream sees is one that a layer saw`, {
    timeout: (seconds + 60) * 1_000,
  }, async () => {
    const before = baseline()
    const fates: unknown[] = []
    const onFate = (error: unknown) => void fates.push(error)
    process.on('uncaughtExceptionMonitor', onFate)
    process.on('unhandledRejection', onFate)
    const random = seededRandom(20_26)
    let sent = 0
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) sent += await round(front, random, end)
    expect(sent).toBeGreaterThan(isShort ? 50 : 2_000)
    process.off('uncaughtExceptionMonitor', onFate)
    process.off('unhandledRejection', onFate)
    expect(fates).toEqual([])
    await before.settled(10_000)
  })
})

/** Mutants for one upstream, which remembers no more than a thousand connections. @returns how many were sent */
async function round(front: Front, random: () => number, end: number): Promise<number> {
  let passed = 0
  let ended = 0
  let sent = 0
  const unsubscribe = subscribe('request:finished', () => void ended++)
  const upstream = await recordingUpstream()
  const forward = proxy(upstream.url, { timeouts: { headersMs: 2_000, bodyIdleMs: 2_000 } })
  const { port, close } = await front.start((ctx) => {
    passed++
    return forward(ctx)
  })
  const worker = async () => {
    while (performance.now() < end && upstream.server.connections.length < 900) {
      sent++
      await sendImpatiently(port, mutant(random), random)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  // It answers as before.
  const reply = await rawRequest(port, message('GET /alive'))
  expect(reply.responses.map(({ status }) => status)).toEqual([200])
  // The strict reader found nothing that could be read in two ways, and nobody was asked who was not meant to be.
  expect(upstream.faults).toEqual([])
  expect(upstream.requests.length).toBeLessThanOrEqual(passed)
  await expect.poll(() => ended >= passed, { timeout: 10_000 }).toBe(true)
  await close()
  await forward.close()
  await upstream[Symbol.asyncDispose]()
  unsubscribe()
  return sent
}

/** Many mutants are the beginning of something: the rest is not waited for. */
async function sendImpatiently(port: number, bytes: Buffer, random: () => number): Promise<void> {
  await send(port, bytes, 50 + random() * 200)
}
