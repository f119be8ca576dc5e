import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { auth, principalOf, type Verifier } from '@gatelet/auth'
import { cache } from '@gatelet/cache'
import { chain, GatewayError, HeaderList, type Outcome, PushSource, publish, text } from '@gatelet/core'
import { type AccessLogOptions, type AccessRecord, accessLog, trace } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { rateLimit } from '@gatelet/rate-limiter'
import { createRouter, requestId } from '@gatelet/router'
import { type CallRequest, call, exchange, origins, rawRequest, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { combinedLine, jsonLine } from '../../src/log/lines.ts'

const bare: AccessRecord = {
  time: '2026-01-02T03:04:05.000Z',
  client: '',
  method: 'GET',
  scheme: 'http',
  host: 'a',
  path: '/',
  protocol: 'HTTP/1.1',
  status: 200,
  outcome: 'finished',
  durationMs: 1,
}

/** What a log tells while a test runs. */
function logged(options: AccessLogOptions = {}): AccessRecord[] {
  const records: AccessRecord[] = []
  const keep = (record: object) => void records.push(record as AccessRecord)
  const log = accessLog({ logger: { info: keep, warn: keep, error: keep }, ...options })
  onTestFinished(() => log.close())
  return records
}

function lines(options: AccessLogOptions): string[] {
  const told: string[] = []
  const log = accessLog({ write: (line) => void told.push(line), ...options })
  onTestFinished(() => log.close())
  return told
}

const everybody: Verifier = {
  challenges: [{ scheme: 'Bearer', params: {} }],
  verify: () => ({ kind: 'proved', principal: principalOf({ subject: 'ada', scheme: 'bearer' }) }),
}

test('a record has what the modules on the way did', async () => {
  const records = logged({ query: true, headers: ['X-Tenant', 'authorization'] })
  await using farm = await origins(1)
  const forward = proxy(farm.urls[0] as string)
  const router = createRouter().mount(
    '/users/*rest',
    chain()
      .use(requestId())
      .use(trace())
      .use(auth(everybody))
      .use(cache({ per: 'principal' }))
      .to(forward),
  )
  await using server = await serve(router, { port: 0, host: '127.0.0.1', trustedProxies: ['127.0.0.1'] })
  const headers = {
    'user-agent': 'agent',
    referer: 'https://a.test/page?secret=1#x',
    'x-tenant': 't1',
    authorization: 'Bearer secret',
    'x-forwarded-for': '192.0.2.1',
  }
  await (await fetch(`${server.url}/users/7?token=secret&x=1`, { headers })).text()
  await vi.waitUntil(() => records.length === 1)
  const [record] = records
  expect(record).toMatchObject({
    client: '192.0.2.1',
    peer: '127.0.0.1',
    method: 'GET',
    scheme: 'http',
    host: new URL(server.url).host,
    path: '/users/7',
    query: 'token=REDACTED&x=1',
    protocol: 'HTTP/1.1',
    status: 200,
    outcome: 'finished',
    route: '/users/*rest',
    endpoint: `${farm.urls[0]}/`,
    attempts: 1,
    upstreamStatus: 200,
    cache: 'miss',
    subject: 'ada',
    auth: 'proved',
    receivedBytes: 0,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    userAgent: 'agent',
    referer: 'https://a.test/page',
    headers: { 'x-tenant': 't1', authorization: '[redacted]' },
  })
  expect(record?.upstreamMs).toBeLessThanOrEqual(record?.durationMs ?? 0)
  expect(record?.sentBytes).toBeGreaterThan(0)
  expect(JSON.stringify(record)).not.toContain('secret')
  expect(record).not.toHaveProperty('error')
  await forward.close()
})

test('a client that leaves is told of once, as 499, and so is one that breaks off what it gets', async () => {
  const records = logged()
  let begun = 0
  const body = () => new PushSource({ pause() {}, resume() {}, cancel() {} })
  await using server = await serve(
    ({ request }) => {
      begun++
      if (request.url.path === '/never') return new Promise(() => {})
      const source = body()
      source.push(Buffer.from('part'))
      return { status: 200, headers: new HeaderList(), body: source }
    },
    { port: 0, host: '127.0.0.1' },
  )
  for (const path of ['/never', '/part']) {
    const control = new AbortController()
    const asked = fetch(`${server.url}${path}`, { signal: control.signal }).catch(() => undefined)
    const before = begun
    await vi.waitUntil(() => begun > before || begun === 2)
    if (path === '/part') await (await asked)?.body?.getReader().read()
    control.abort()
    await asked
  }
  await vi.waitUntil(() => records.length === 2)
  expect(records.map(({ path, status, outcome, error }) => [path, status, outcome, error])).toEqual([
    ['/never', 499, 'aborted', undefined],
    ['/part', 200, 'aborted', undefined],
  ])
})

test('a refusal of the limiter, an error and a broken upstream have their words', async () => {
  const records = logged()
  const limited = chain()
    .use(rateLimit({ limit: 1, per: '1m' }))
    .to(() => text('ok'))
  await call(limited)
  await call(limited)
  await call(() => {
    throw new GatewayError('NO_ENDPOINT')
  })
  await call(async () => Promise.reject(new TypeError('secret')))
  expect(records.map(({ status, limited, error }) => [status, limited, error])).toEqual([
    [200, undefined, undefined],
    [429, 'quota', undefined],
    [503, undefined, 'NO_ENDPOINT'],
    [500, undefined, 'TypeError'],
  ])
})

test('a server that could not be asked has answered nothing, and a hedge that lost is not the one that answered', async () => {
  const records = logged()
  const forward = proxy('http://127.0.0.1:1')
  await call(forward)
  await forward.close()
  const { ctx, finish } = exchange('/')
  const attempt = (id: string, outcome: Outcome, error?: GatewayError) =>
    publish('upstream:attempted', {
      context: ctx,
      endpoint: { id, weight: 1, inflight: 0, metadata: {} },
      attempt: 0,
      outcome,
      error,
    })
  attempt('fast', { kind: 'success', latencyMs: 10, status: 200 })
  attempt('slow', { kind: 'cancelled', latencyMs: 1e9, status: 499 }, new GatewayError('CLIENT_CLOSED'))
  finish()
  expect(records[0]).toMatchObject({ status: 502, attempts: 1, error: 'UPSTREAM_CONNECT_FAILED' })
  expect(records[0]).not.toHaveProperty('upstreamStatus')
  expect(records[1]).toMatchObject({ endpoint: 'fast', upstreamStatus: 200, attempts: 2 })
  expect(records[1]).not.toHaveProperty('error')
  expect(records[1]?.upstreamMs).toBe(records[1]?.durationMs)
})

test.each<[string, string, number, string]>([
  ['is no HTTP', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
  ['has a head that is too long', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ['is a CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501, 'METHOD_NOT_IMPLEMENTED'],
])('what %s is told of, as it was answered', async (_, sent, status, error) => {
  const records = logged()
  const told = lines({ format: 'combined' })
  await using server = await serve(() => text('ok'), { port: 0, host: '127.0.0.1' })
  const answer = await rawRequest(server.port, sent)
  expect(answer.responses[0]?.status).toBe(status)
  await vi.waitUntil(() => records.length > 0)
  expect(records).toEqual([expect.objectContaining({ client: '127.0.0.1', method: '-', path: '-', status, error })])
  expect(told[0]).toMatch(new RegExp(`^127\\.0\\.0\\.1 - - \\[[^\\]]+\\] "-" ${status} - "-" "-"\\n$`))
})

test('a request with a path that is refused before any layer is told of with it', async () => {
  const records = logged()
  await using server = await serve(() => text('ok'), { port: 0, host: '127.0.0.1' })
  await rawRequest(server.port, 'GET /a%00b?token=secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await vi.waitUntil(() => records.length > 0)
  expect(records.map(({ method, status, error }) => [method, status, error])).toEqual([['GET', 400, 'BAD_TARGET']])
  expect(records[0]?.path).toBe('/a%00b')
})

test('what opens something is told by no field and no query, however it is spelt', async () => {
  const fields = ['Authorization', 'Cookie', 'X-Api-Key', 'X-Auth-Token', 'Cf-Access-Jwt-Assertion', 'X-Functions-Key', 'apikey']
  const told = ['Idempotency-Key', 'X-Tenant', 'Accept']
  const records = logged({ query: true, headers: [...fields, ...told] })
  const names = [
    'token',
    'X-Amz-Signature',
    'id_token',
    'client_secret',
    '%74oken',
    'API-KEY',
    'old_password',
    'x-goog-credential',
  ]
  const url = `/?a=1&${names.map((name) => `${name}=hidden`).join('&')}&keyboard=qwerty&token&%zz=1`
  await call(() => text('ok'), {
    url,
    headers: [...fields, ...told].map((name) => [name, fields.includes(name) ? 'hidden' : 'shown'] as const),
  })
  expect(JSON.stringify(records)).not.toContain('hidden')
  expect(records[0]?.headers).toMatchObject({
    'idempotency-key': 'shown',
    'x-tenant': 'shown',
    accept: 'shown',
    apikey: '[redacted]',
  })
  expect(records[0]?.query).toMatch(/^a=1&token=REDACTED&.*&keyboard=qwerty&token&%zz=1$/)
})

test('work in the background is no request', async () => {
  const records = logged()
  const answer = await call((ctx) => {
    ctx.background(async () => {})
    return text('ok')
  })
  await answer.text()
  await new Promise(setImmediate)
  expect(records.map(({ status }) => status)).toEqual([200])
})

describe('a logger', () => {
  test('hears of errors as errors, and of who left as a warning', async () => {
    const told: string[] = []
    const at = (level: string) => (_: object, message?: string) => void told.push(`${level} ${message}`)
    const log = accessLog({ logger: { info: at('info'), warn: at('warn'), error: at('error') } })
    onTestFinished(() => log.close())
    await call(() => text('ok'), '/a?b')
    await call(() => text('no', 404), '/b')
    await call(() => text('no', 502), '/c')
    expect(told).toEqual(['info GET /a 200', 'info GET /b 404', 'error GET /c 502'])
  })

  test('that throws is a warning, and nobody’s concern', async () => {
    const warnings: string[] = []
    const warn = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    lines({
      write: () => {
        throw new Error('disk full')
      },
    })
    expect((await call(() => text('ok'))).status).toBe(200)
    await vi.waitUntil(() => warnings.length > 0)
    expect(warnings[0]).toContain('disk full')
  })
})

test('the standard output that nobody reads any more does not end the process', async () => {
  const [core, metrics] = ['core', 'metrics'].map((name) => import.meta.resolve(`@gatelet/${name}`))
  const program = `
    import { Exchange } from '${core}'
    import { accessLog } from '${metrics}'
    accessLog()
    const client = { address: '192.0.2.1', peer: '192.0.2.1' }
    const url = { scheme: 'http', host: 'a', path: '/', search: '' }
    const headers = { get() {} }
    const ask = () => {
      const exchange = new Exchange({ inform() {} })
      exchange.finish(exchange.open({ method: 'GET', url, client, headers, protocol: '1.1' }), 'finished', 200)
    }
    let asked = 0
    const timer = setInterval(() => {
      ask()
      if (++asked === 20) {
        clearInterval(timer)
        console.error('still here')
      }
    }, 10)`
  const args = ['--conditions=@gatelet/source', '--import', 'tsx', '--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = await once(child, 'close')
  expect([code, told]).toEqual([0, 'still here\n'])
}, 30_000)

describe('sampling', () => {
  test('tells a part, and errors always', async () => {
    const records = logged({ sample: 0.2, clock: virtualClock() })
    for (let asked = 0; asked < 300; asked++) await call(() => text('ok'))
    const told = records.length
    expect(told).toBeGreaterThan(30)
    expect(told).toBeLessThan(100)
    for (let asked = 0; asked < 10; asked++) await call(() => text('no', 500))
    expect(records.length).toBe(told + 10)
  })

  test('by a function tells what that says', async () => {
    const records = logged({ sample: ({ path }) => path !== '/healthz' })
    await call(() => text('ok'), '/healthz')
    await call(() => text('ok'), '/')
    expect(records.map(({ path }) => path)).toEqual(['/'])
  })
})

// What a client may write in a field: quotes, and bytes that are a terminal's commands.
const nasty = 'a"b\\c\u009b31m\u00e9'

describe('lines', () => {
  const request: CallRequest = {
    url: '/x?q=1',
    headers: [
      ['user-agent', nasty],
      ['referer', 'http://a/"b'],
    ],
    client: '192.0.2.1',
  }
  const clock = virtualClock({ date: Date.UTC(2026, 0, 2, 3, 4, 5) })

  test('of JSON are one record each, whatever is in them', async () => {
    const told = lines({ clock })
    await (await call(() => text('hello'), request)).text()
    expect(told).toHaveLength(1)
    const line = told[0] ?? ''
    expect(line.endsWith('}\n')).toBe(true)
    expect(line.slice(0, -1)).toMatch(/^[\x20-\x7e\u00a0-\u2027]*$/)
    expect(JSON.parse(line)).toMatchObject({ userAgent: nasty, status: 200, path: '/x' })
    expect(JSON.parse(line)).not.toHaveProperty('query')
  })

  test('of the combined format have their fields, whatever is in them', async () => {
    const told = lines({ format: 'combined', query: true, clock })
    await (await call(() => text('hello'), request)).text()
    const [head, ...rest] = (told[0] ?? '').split('"')
    expect(head).toMatch(/^192\.0\.2\.1 - - \[0?2\/Jan\/2026:03:04:0\d \+0000\] $/)
    expect(rest.slice(0, 1)).toEqual(['GET /x?q=1 HTTP/1.1'])
    expect(rest.slice(2)).toEqual(['http://a/\\x22b', ' ', 'a\\x22b\\x5Cc\\xC2\\x9B31m\\xC3\\xA9', '\n'])
  })

  test('have nothing in them that ends a field or a line, wherever it comes from', () => {
    const record = { ...bare, subject: 'ada\n\u001b[31m "x"\u2028', userAgent: '\r\n' }
    expect(JSON.parse(jsonLine(record))).toEqual(record)
    expect(jsonLine(record).slice(0, -1)).toMatch(/^[\x20-\x7e]*$/)
    expect(combinedLine(record)).toBe(
      '- - ada\\x0A\\x1B[31m%20\\x22x\\x22\\xE2\\x80\\xA8 [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 - "-" "\\x0D\\x0A"\n',
    )
  })

  test('have no line break that a client could write', async () => {
    const told = lines({ format: 'combined' })
    await using server = await serve(() => text('ok'), { port: 0, host: '127.0.0.1' })
    await rawRequest(server.port, 'GET /%0d%0aevil HTTP/1.1\r\nHost: a\r\nUser-Agent: x%0a\tb\r\nConnection: close\r\n\r\n')
    await vi.waitUntil(() => told.length === 1)
    expect(told[0]?.match(/[\r\n]/g)).toEqual(['\n'])
  })
})

test('a log that is closed tells nothing more', async () => {
  const told: string[] = []
  const log = accessLog({ write: (line) => void told.push(line) })
  log.close()
  await call(() => text('ok'))
  expect(told).toEqual([])
})
