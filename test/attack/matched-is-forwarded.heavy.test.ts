import { canonicalize, type Handler } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { origins } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { node } from './support/fronts.ts'
import { sendAll } from './support/pipeline.ts'
import { message } from './support/room.ts'
import { targets } from './support/targets.ts'

const isShort = process.env['HEAVY_SHORT'] === '1'
const count = isShort ? 10_000 : 200_000

// Over sockets: what a rule has matched and what the upstream was asked for, request by request.
test(`of ${count} targets, the string that was matched is the string that is forwarded`, { timeout: 900_000 }, async () => {
  const forwarded = new Map<string, string>()
  await using farm = await origins(1, {
    keepRequests: 1,
    handler(req, res) {
      forwarded.set(String(req.headers['x-id']), req.url ?? '')
      res.end()
    },
  })
  const matched = new Map<string, string>()
  const forward = proxy(farm.urls[0] ?? '')
  const tapped: Handler = (ctx) => {
    const { url, headers } = ctx.request
    matched.set(headers.get('x-id') ?? '', url.path + url.search)
    return forward(ctx)
  }
  const routed = createRouter().any('/admin/*', tapped).any('/a/:id', tapped).any('/*', tapped)
  const front = await node.start(routed)
  const batch = 1_000
  let reached = 0
  for (let from = 0; from < count; from += batch) {
    const sample = fc.sample(targets, { numRuns: batch, seed: from })
    await sendAll(
      front.port,
      sample.map((target, at) => message(`GET ${target}`, [`X-Id: ${from + at}`])),
    )
    expect(Object.fromEntries(forwarded)).toEqual(Object.fromEntries(matched))
    for (const path of forwarded.values()) {
      expect(path).not.toMatch(/^[^?]*(?:\/\.\.?(?:[/?]|$)|\/\/|\\|%2f|%5c|%00)/i)
      expect(path).toBe(joined(path))
    }
    reached += forwarded.size
    forwarded.clear()
    matched.clear()
  }
  // The targets are evil, but not so evil that nothing was tried.
  expect(reached).toBeGreaterThan(count / 20)
  await front.close()
  await forward.close()
})

/** The same path read once more. */
function joined(text: string): string {
  const { path, search } = canonicalize(text)
  return path + search
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const framing = new Set(['host', 'content-length', 'expect', 'via', 'cookie'])
const field = fc.tuple(
  fc.oneof(name, fc.constantFrom(...hopByHop.filter((n) => n !== 'connection'), 'x-user', 'X_User', 'Cookie')),
  fc.stringMatching(/^[!-~]{0,10}$/),
)
const fieldSets = fc.record({ nominated: fc.array(name, { maxLength: 4 }), fields: fc.array(field, { maxLength: 12 }) })

test(`of ${count / 20} sets of header fields, none keeps what concerned one connection, and all else passes in its order`, async () => {
  const seen: string[][] = []
  await using farm = await origins(1, {
    keepRequests: 1,
    handler(req, res) {
      seen.push(req.rawHeaders)
      res.end()
    },
  })
  const forward = proxy(farm.urls[0] ?? '')
  const front = await node.start(forward)
  const sets = fc.sample(fieldSets, { numRuns: count / 20, seed: 5 })
  for (const { nominated, fields } of sets) {
    // These decide how the message is read, which is for the tests of framing.
    const sent = fields.filter(([n]) => !framing.has(n) && !/^(transfer-encoding|upgrade)$/.test(n))
    const lines = sent.map(([n, value]) => `${n}: ${value}`)
    await sendAll(front.port, [message('GET /x', [`Connection: ${['close', ...nominated].join(', ')}`, ...lines])])
    const passed = seen.pop()
    expect(passed).toBeDefined()
    const gone = new Set([...hopByHop, ...nominated])
    const ours = /^(?:host|via|connection|te|forwarded|x[-_.](?:forwarded.*|real[-_.]ip))$/i
    const expected = sent.filter(([n]) => !gone.has(n.toLowerCase()) && !ours.test(n)).flat()
    const rest: string[] = []
    for (let at = 0; at < (passed?.length ?? 0); at += 2)
      if (!ours.test(passed?.[at] ?? '')) rest.push(passed?.[at] ?? '', passed?.[at + 1] ?? '')
    // Several cookies become one field, where the first stood.
    expect(withoutCookies(rest)).toEqual(withoutCookies(expected))
  }
  await front.close()
  await forward.close()
})

function withoutCookies(flat: readonly string[]): string[] {
  return flat.filter((_, at) => flat[at - (at % 2)]?.toLowerCase() !== 'cookie')
}
