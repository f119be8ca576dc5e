import { proxy } from '@gatelet/proxy'
import { parseResponses, requireProgram, seededRandom, startHaproxy, startNginx } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differences, type Fate, type Generated, type Reference } from './differences.ts'
import { node } from './support/fronts.ts'
import { send } from './support/pipeline.ts'
import { type RecordingUpstream, recordingUpstream } from './support/recording-upstream.ts'
import { targets } from './support/targets.ts'

// The same requests through nginx, HAProxy and Gatelet. Where we differ, it is on purpose: see differences.ts.
const isShort = process.env['HEAVY_SHORT'] === '1'
const count = isShort ? 400 : 2_000

const nginx = requireProgram('nginx')
const haproxy = requireProgram('haproxy')

test.skipIf(!nginx || !haproxy)(
  `${count} requests meet the same fate as behind nginx and HAProxy, or one that is explained`,
  { timeout: 300_000 },
  async () => {
    const findings: Finding[] = []
    const requests = [...generated(count)]
    // An upstream remembers no more than a thousand connections.
    for (let from = 0; from < count; from += 400) findings.push(...(await compared(requests.slice(from, from + 400))))
    expect(findings.filter(({ explained }) => explained.length === 0).map(({ seen }) => seen)).toEqual([])
    // A difference that is none any more is taken off the list.
    const met = new Set(findings.flatMap(({ explained }) => explained))
    if (!isShort) expect(differences.map(({ what }) => what).filter((what) => !met.has(what))).toEqual([])
  },
)

/** One request that we treat in another way than a reference. */
interface Finding {
  readonly seen: string
  /** What of the list explains it. */
  readonly explained: readonly string[]
}

async function compared(requests: readonly Generated[]): Promise<Finding[]> {
  await using upstreams = await threeUpstreams()
  const [own, behindNginx, behindHaproxy] = upstreams.list
  const forward = proxy(own.url, { forwarded: 'none', via: false })
  const front = await node.start(forward)
  const at = (url: string) => url.slice('http://'.length)
  await using nginxServer = await startNginx(
    (port) =>
      `server { listen 127.0.0.1:${port}; merge_slashes off; location / { proxy_pass http://${at(behindNginx.url)}; proxy_http_version 1.1; } }`,
  )
  await using haproxyServer = await startHaproxy(
    (port) => `listen all\n bind 127.0.0.1:${port}\n server a ${at(behindHaproxy.url)}`,
  )
  const findings: Finding[] = []
  for (const request of requests) {
    const bytes = bytesOf(request)
    const [ours, byNginx, byHaproxy] = await Promise.all([
      fateOf(front.port, bytes, own),
      fateOf(nginxServer.port, bytes, behindNginx),
      fateOf(haproxyServer.port, bytes, behindHaproxy),
    ])
    for (const [reference, theirs] of [['nginx', byNginx] as const, ['HAProxy', byHaproxy] as const]) {
      if (!isSame(ours, theirs)) findings.push(finding(reference, request, ours, theirs))
    }
  }
  await front.close()
  await forward.close()
  return findings
}

function finding(reference: Reference, request: Generated, ours: Fate, theirs: Fate): Finding {
  const explained = differences.filter(({ from, explains }) => from.includes(reference) && explains(request, ours, theirs))
  const seen = `${reference}: ${JSON.stringify({ bytes: bytesOf(request), ours, theirs })}`
  return { seen, explained: explained.map(({ what }) => what) }
}

async function threeUpstreams() {
  const list = [await recordingUpstream(), await recordingUpstream(), await recordingUpstream()] as const
  return {
    list,
    async [Symbol.asyncDispose]() {
      for (const upstream of list) await upstream[Symbol.asyncDispose]()
    },
  }
}

async function fateOf(port: number, bytes: string, upstream: RecordingUpstream): Promise<Fate> {
  const before = upstream.requests.length
  const faultsBefore = upstream.faults.length
  const answer = await send(port, bytes, 1_000)
  const status = parseResponses(answer, { isClosed: true }).find(({ status }) => status >= 200)?.status ?? 0
  const requests = upstream.requests.slice(before)
  const asked = requests.map(({ line, body }) => `${line} ${body}`)
  const passed = requests.flatMap(({ fields }) => fields.map(([name]) => name).filter((name) => connectionFields.test(name)))
  // What the strict reader refused was passed on all the same.
  return { status, asked: [...asked, ...upstream.faults.slice(faultsBefore)], passed: passed.sort() }
}

const connectionFields = /^(?:x-nominated|keep-alive|te|proxy-authorization|proxy-connection|trailer|upgrade)$/

/** Whether both did the same. With which status something was refused does not matter. */
function isSame(ours: Fate, theirs: Fate): boolean {
  const isRefusal = (fate: Fate) => fate.asked.length === 0 && (fate.status >= 400 || fate.status === 0)
  if (isRefusal(ours) && isRefusal(theirs)) return true
  return (
    ours.status === theirs.status &&
    ours.asked.join('\n') === theirs.asked.join('\n') &&
    ours.passed.join() === theirs.passed.join()
  )
}

function* generated(n: number): Iterable<Generated> {
  const random = seededRandom(7)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const chance = (share: number) => random() < share
  for (const target of fc.sample(targets, { numRuns: n, seed: 7 })) {
    const method = pick(['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'FROB', 'get'])
    const isPlain = chance(0.6)
    const { fields, body } = pick(isPlain ? [bodies[0], bodies[1]] : bodies) as (typeof bodies)[number]
    yield {
      method: isPlain ? pick(['GET', 'POST', 'PUT']) : method,
      target: chance(0.1)
        ? `http://${pick(['a.test', 'other.test', 'A.TEST:80'])}${target}`
        : chance(0.3)
          ? target
          : pick(plainTargets),
      version: chance(0.95) ? '1.1' : pick(['1.0', '1.2', '2.0', '0.9']),
      hosts: chance(0.85) ? ['a.test'] : pick(hosts),
      fields: [...fields, ...(chance(0.4) ? [pick(extras)] : [])],
      body,
    }
  }
}

const plainTargets = ['/', '/a', '/a/b?c=d', '/a/../b', '/%61', '/a?x=//y&z=..']
const hosts = [
  ['a.test', 'b.test'],
  ['a.test', 'a.test'],
  [],
  ['A.Test.'],
  ['a.test:8080'],
  ['a.test:99999'],
  ['u@a.test'],
  ['a.test/x'],
  ['a%00'],
  ['[::1]:80'],
]
const bodies = [
  { fields: [] as string[], body: '' },
  { fields: ['Content-Length: 5'], body: 'hello' },
  { fields: ['Transfer-Encoding: chunked'], body: '5\r\nhello\r\n0\r\n\r\n' },
  { fields: ['Transfer-Encoding: Chunked'], body: '5;x=y\r\nhello\r\n0\r\n\r\n' },
  { fields: ['Content-Length: 5', 'Content-Length: 5'], body: 'hello' },
  { fields: ['Content-Length: 5', 'Content-Length: 6'], body: 'hello!' },
  { fields: ['Content-Length: +5'], body: 'hello' },
  { fields: ['Content-Length: 5, 5'], body: 'hello' },
  { fields: ['Content-Length: 5', 'Transfer-Encoding: chunked'], body: '5\r\nhello\r\n0\r\n\r\n' },
  { fields: ['Transfer-Encoding: gzip, chunked'], body: '5\r\nhello\r\n0\r\n\r\n' },
  { fields: ['Transfer-Encoding: identity'], body: '' },
  { fields: ['Transfer-Encoding: xchunked'], body: '5\r\nhello\r\n0\r\n\r\n' },
  { fields: ['Transfer-Encoding : chunked'], body: '5\r\nhello\r\n0\r\n\r\n' },
]
const extras = [
  'TE: trailers',
  'TE: gzip',
  'Keep-Alive: timeout=5',
  'Proxy-Authorization: Basic eA==',
  'Proxy-Connection: keep-alive',
  'Trailer: X',
  'Connection: x-nominated\r\nX-Nominated: 1',
  'Upgrade: h2c',
  'Expect: the-impossible',
  'X: a\r\n folded',
  'X : a',
  ': a',
  'X: a\0b',
  'X-Plain: a',
]

function bytesOf({ method, target, version, hosts, fields, body }: Generated): string {
  const lines = [`${method} ${target} HTTP/${version}`, ...hosts.map((host) => `Host: ${host}`), 'Connection: close', ...fields]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
