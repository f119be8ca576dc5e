import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:http2'
import { createServer, request as httpsRequest } from 'node:https'
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json as jsonOf } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { kubernetesServer, lambdaEmulator, origins, rawRequest, requireProgram, startRedis } from '@gatelet/testing'
import { readProxyHeader } from 'gatelet/core'
import type { UsageSnapshot } from 'gatelet/metrics'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Issuer, pair, token } from '../packages/auth/test/issuer.ts'
import { chatServer } from '../test/browser/chat-server.ts'
import { authority, certificate } from '../test/certificates/certificates.ts'
import { childProgram, freePort } from '../test/child-program.ts'
import { example, examples, nodeArgs, textOf } from '../test/example-program.ts'

test.each([
  ['choose-a-strategy', ['choose-a-strategy.ts']],
  ['in-a-fetch-host', ['in-hono.ts']],
  ['write-a-strategy', ['quickest.ts', 'quickest.test.ts', 'compare-strategies.ts']],
  ['discover-endpoints', ['discover.ts']],
  ['write-a-middleware', ['request-id.ts', 'with-request-id.ts', 'request-id.test.ts']],
  ['tls', ['tls.ts']],
  ['stay-up', ['stay-up.ts']],
  ['balance-anything', ['balance-anything.ts']],
  ['tcp-load-balancer', ['tcp-load-balancer.ts']],
  ['share-limits', ['share-limits.ts', 'share-limits-in-cluster.ts']],
  ['limit-requests', ['limit-requests.ts']],
  ['write-a-rate-store', ['http-rate-store.ts', 'http-rate-store.test.ts', 'count-for-others.ts']],
  ['aggregate', ['aggregate.ts']],
  ['route-requests', ['route-requests.ts']],
  ['change-requests-and-replies', ['filters.ts']],
  ['canary-and-blue-green', ['canary.ts']],
  ['validate-requests', ['validate-requests.ts']],
  ['protect-an-api', ['protect-an-api.ts', 'behind-the-gateway.ts', 'identity-providers.ts']],
  ['api-keys', ['api-keys.ts']],
  ['functions', ['functions.ts']],
  ['databases', ['three-backends.ts']],
  ['websockets', ['websockets.ts']],
  ['observe', ['observe.ts']],
  ['cache-an-api', ['cache-an-api.ts']],
  ['why-not-cached', ['why-not-cached.ts']],
  ['purge-by-tag', ['purge-by-tag.ts']],
  ['dashboard', ['dashboard.ts']],
  ['usage-and-billing', ['usage.ts']],
  ['kubernetes', ['kubernetes.ts']],
  ['write-a-cache-store', ['file-cache-store.ts', 'file-cache-store.test.ts']],
])('the guide %s shows the programs as they are', (guide, programs) => {
  for (const program of programs) {
    expect(textOf(`docs/guides/${guide}.md`)).toContain(
      `<!-- examples/${program} -->\n\`\`\`ts\n${textOf(`examples/${program}`)}\`\`\``,
    )
  }
})

test('kubernetes: it is not ready from the first moment of its end, answers for the delay, and ends with 0', async () => {
  await using api = await kubernetesServer()
  await using farm = await origins(1, { handler: (_, res) => void res.end('an order') })
  const at = new URL(farm.urls[0] ?? '')
  const slice = { name: 'orders-1', service: 'orders', ports: [{ name: 'http', port: Number(at.port) }] }
  const env = { API: api.url, HOST: '127.0.0.1', PROBE_PORT: '0', DELAY_MS: '3000', GRACE_MS: '5000' }
  const { program, url } = await example('kubernetes.ts', env)
  await using _ = program
  const [, probes = ''] = await program.printed(/probes ask (\S+)/)
  const status = async (path: string) => (await fetch(`${probes}${path}`)).status
  expect([await status('/livez'), await status('/readyz')]).toEqual([200, 503])
  api.apply({ ...slice, endpoints: [{ addresses: [at.hostname], conditions: { ready: true } }] })
  await vi.waitUntil(async () => (await status('/readyz')) === 200, { timeout: 10_000 })
  expect(await (await fetch(`${url}/7`)).text()).toBe('an order')
  program.kill('SIGTERM')
  await vi.waitUntil(async () => (await status('/readyz')) === 503, { timeout: 2_000, interval: 10 })
  expect([(await fetch(`${url}/8`)).status, await status('/livez')]).toEqual([200, 200])
  expect(await (await fetch(`${probes}/readyz?verbose`)).json()).toMatchObject({
    serving: false,
    checks: { orders: { ok: true } },
  })
  expect(await program.ended).toBe(0)
}, 30_000)

test('usage: what consumers used is seen by the administrator, and on the bill', async () => {
  await using farm = await origins(1, { handler: (_, res) => void res.end('12345') })
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  const bills = join(folder, 'bills.ndjson')
  const { program, url } = await example('usage.ts', { SERVER: farm.urls[0] ?? '', BILLS: bills })
  await using _ = program
  const keyOf = async (name: string) => (await program.printed(new RegExp(`${name} has the key (\\S+)`)))[1] ?? ''
  const ask = async (name: string, path: string) => fetch(`${url}${path}`, { headers: { 'x-api-key': await keyOf(name) } })
  for (const name of ['ada', 'bob', 'ada']) await (await ask(name, '/x')).text()
  const refused = await ask('ada', '/usage')
  expect([refused.status, refused.headers.get('proxy-status')]).toEqual([
    403,
    'gatelet;error=http_request_denied;details="FORBIDDEN"',
  ])
  const [minute] = ((await (await ask('admin', '/usage')).json()) as UsageSnapshot).windows
  expect(minute?.total.requests).toBe(4)
  expect(minute?.consumers.top[0]).toMatchObject({ key: 'ada', requests: 3, missedAtMost: 0 })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  const lines = (await readFile(bills, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ consumer, requests }) => [consumer, requests])).toEqual([
    ['ada', 3],
    ['bob', 1],
    ['admin', 1],
  ])
  await rm(folder, { recursive: true })
}, 30_000)

test('in-hono: two paths of a Hono application are ours, the others are Hono’s', async () => {
  await using farm = await origins(2)
  const { program, url } = await example('in-hono.ts', { USERS: farm.urls.join(' ') })
  await using _ = program
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ ok: true })
  for (let asked = 0; asked < 4; asked++) expect((await fetch(`${url}/users/${asked}`)).status).toBe(200)
  await farm.stop(0)
  for (let asked = 0; asked < 4; asked++) expect((await fetch(`${url}/users/${asked}`)).status).toBe(200)
  expect(farm.hits).toBe(8)
  expect(farm.servers[1]?.requests.at(-1)?.headers['x-forwarded-for']).toBe('127.0.0.1')
  expect((await fetch(`${url}/admin/servers`)).status).toBe(401)
  const servers = await fetch(`${url}/admin/servers`, { headers: { 'x-api-key': 'k-ada' } })
  expect(await servers.json()).toMatchObject([{ inflight: 0 }, { inflight: 0 }])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('choose-a-strategy: carts stay at home, and the second server stands by', async () => {
  await using carts = await origins(3)
  await using reports = await origins(2)
  await using search = await origins(2)
  const servers = { SEARCH: search.urls.join(' '), CARTS: carts.urls.join(' '), REPORTS: reports.urls.join(' ') }
  const { program, url } = await example('choose-a-strategy.ts', servers)
  await using _ = program
  const ask = async (path: string) => (await fetch(`${url}${path}`)).status
  for (const cart of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const before = carts.servers.map(({ hits }) => hits)
    for (let asked = 0; asked < 3; asked++) expect(await ask(`/carts/${cart}`)).toBe(200)
    const home = carts.servers.findIndex(({ hits }, at) => hits - (before[at] ?? 0) === 3)
    expect(await (await fetch(`${url}/why/${cart}`)).json()).toMatchObject({ chosen: carts.urls[home], why: 'strategy' })
  }
  expect(carts.servers.filter(({ hits }) => hits > 0).length).toBeGreaterThan(1)
  for (let asked = 0; asked < 4; asked++) expect(await ask('/reports/today')).toBe(200)
  expect(reports.servers.map(({ hits }) => hits)).toEqual([4, 0])
  await reports.stop(0)
  expect(await ask('/reports/today')).toBe(200)
  expect(reports.servers[1]?.hits).toBe(1)
  for (let asked = 0; asked < 4; asked++) expect(await ask('/search/tea')).toBe(200)
  expect(search.hits).toBe(4)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('discover: servers come and go with the file, and a broken one changes nothing', async () => {
  await using farm = await origins(2)
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  const file = join(folder, 'endpoints.json')
  await writeFile(file, JSON.stringify(farm.urls.slice(0, 1)))
  const { program, url } = await example('discover.ts', { ENDPOINTS: file })
  await using _ = program
  expect((await fetch(`${url}/a`)).status).toBe(200)
  await writeFile(`${file}.new`, JSON.stringify(farm.urls.slice(1)))
  await rename(`${file}.new`, file)
  await program.printed(/1 endpoints[\s\S]*1 endpoints/)
  await farm.stop(0)
  expect((await fetch(`${url}/b`)).status).toBe(200)
  expect(farm.servers.map(({ hits }) => hits)).toEqual([1, 1])
  await writeFile(file, '["http://')
  await program.printed(/kept what was known/)
  expect((await fetch(`${url}/c`)).status).toBe(200)
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ ok: true, discovery: 'stale' })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  await rm(folder, { recursive: true })
}, 30_000)

test('tls: clients come by TLS, devices by their certificates, and servers are trusted by theirs', async () => {
  const { files } = certificate('a')
  const seen: string[] = []
  const upstream = createServer(
    { cert: certificate('renewed').cert, key: certificate('renewed').key, ca: authority, requestCert: true },
    (req, res) => {
      seen.push(String((req.socket as TLSSocket).getPeerCertificate().subject.CN))
      res.end('from the server')
    },
  )
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  const own = { CERT: join(folder, 'cert.pem'), KEY: join(folder, 'key.pem'), AUTHORITY: join(folder, 'ca.pem') }
  await Promise.all([copyFile(files.cert, own.CERT), copyFile(files.key, own.KEY), writeFile(own.AUTHORITY, authority)])
  const servers = `https://localhost:${(upstream.address() as AddressInfo).port}`
  const { program, url } = await example('tls.ts', { ...own, CLIENTS: own.AUTHORITY, SERVERS: servers })
  await using _ = program
  const { cert, key } = certificate('client')
  const ask = async (path: string, options: object = {}) => {
    const client = connect(url, { ca: authority, ...options })
    let body = ''
    for await (const chunk of client.request({ ':path': path })) body += chunk
    client.close()
    return body
  }
  expect(JSON.parse(await ask('/livez'))).toEqual({ ok: true, protocol: '2' })
  expect(await ask('/devices/1')).toContain('Only devices')
  expect(await ask('/devices/1', { cert, key })).toBe('from the server')
  expect(seen).toEqual(['a.test'])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  upstream.closeAllConnections()
  upstream.close()
  await rm(folder, { recursive: true })
}, 30_000)

test('compare-strategies: says what the guide says that it says', async () => {
  await using program = childProgram([...nodeArgs, 'compare-strategies.ts'], { cwd: examples })
  expect(await program.ended).toBe(0)
  expect(textOf('docs/guides/write-a-strategy.md')).toContain(`\`\`\`\n${program.output.trim()}\n\`\`\``)
}, 30_000)

test('with-request-id: client, server and log have the same name for a request', async () => {
  await using farm = await origins(1)
  const { program, url } = await example('with-request-id.ts', { ORIGIN: farm.urls[0] ?? '' })
  await using _ = program
  const id = (await fetch(`${url}/users/7`)).headers.get('x-request-id')
  expect(farm.servers[0]?.requests[0]?.headers['x-request-id']).toBe(id)
  await program.printed(new RegExp(`${id} GET /users/7 200 finished [0-9.]+ ms`))
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('stay-up: who fails is ejected, the reserve steps in, the queue has an end, and a server goes in order', async () => {
  const broken = new Set<number>()
  const held: (() => void)[] = []
  await using farm = await origins(3, {
    handler(req, res, { id }) {
      if (req.url === '/healthz') return void res.end('well')
      if (req.url === '/slow') return void held.push(() => res.end())
      res.statusCode = broken.has(id) ? 500 : 200
      res.end(`server ${id}`)
    },
  })
  const [first, second, RESERVE = ''] = farm.urls
  const { program, url } = await example('stay-up.ts', { SERVERS: `${first} ${second}`, RESERVE, ADMIN_PORT: '0' })
  await using _ = program
  const [, operators = ''] = await program.printed(/operators ask (\S+)/)
  const ask = async () => {
    const reply = await fetch(url)
    return `${reply.status} ${(await reply.text()).trim()}`
  }
  const askTimes = async (times: number) => {
    const answers: string[] = []
    while (answers.length < times) answers.push(await ask())
    return answers
  }
  expect(new Set(await askTimes(10))).toEqual(new Set(['200 server 0', '200 server 1']))

  // Forty are in flight and ten wait: the other ten are refused.
  const replies: Response[] = []
  const slow = Array.from({ length: 60 }, async () => replies.push(await fetch(`${url}/slow`)))
  await expect.poll(() => replies.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(10)
  // How soon to come back hangs on who refused: the queue says 1, a busy event loop some more.
  for (const { status, headers } of replies) expect(`${status} ${headers.get('retry-after')}`).toMatch(/^503 [1-9]$/)
  await expect.poll(() => held.length, { timeout: 5_000 }).toBe(40)
  const letGo = () => {
    for (const end of held.splice(0)) end()
    return replies.length
  }
  await expect.poll(letGo, { timeout: 5_000 }).toBe(60)
  await Promise.all(slow)

  broken.add(0)
  await expect.poll(() => ask().then(() => program.output), { timeout: 10_000 }).toContain(`${first} ejected`)
  const others = (await askTimes(20)).filter((answer) => answer !== '500 server 0')
  // A check that passes lets one more request find out.
  expect(others.length).toBeGreaterThanOrEqual(19)
  expect(others.every((answer) => answer.startsWith('200'))).toBe(true)
  broken.delete(0)

  await Promise.all([farm.stop(0), farm.stop(1)])
  expect(new Set(await askTimes(10))).toEqual(new Set(['200 server 2']))
  await farm.stop(2)
  await expect.poll(ask, { timeout: 10_000 }).toBe('503 Back in a minute.')
  await Promise.all([farm.start(0), farm.start(1), farm.start(2)])
  await expect.poll(ask, { timeout: 10_000 }).toMatch(/^200 server [01]$/)

  const drained = await fetch(`${operators}/0/drain`, { method: 'POST' })
  expect(await drained.json()).toEqual({ id: first, inflight: 0 })
  expect(await askTimes(10)).not.toContain('200 server 0')
  expect(await (await fetch(operators)).json()).toMatchObject([{ id: first, state: 'draining' }, {}, {}, { id: 'sorry' }])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)

/** A server that answers when it has all of a connection's bytes. */
async function tcpServer(answer: (received: Buffer) => string) {
  const sockets = new Set<Socket>()
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    const received: Buffer[] = []
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (bytes: Buffer) => received.push(bytes)).on('end', () => socket.end(answer(Buffer.concat(received))))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: (server.address() as AddressInfo).port, stop, [Symbol.asyncDispose]: stop }
}

test('balance-anything: replicas answer for each other, and what clients meet the application knows', async () => {
  const replica = (name: string) =>
    tcpServer((bytes) => {
      const query = bytes.toString().trim()
      if (query === 'ping') return 'pong'
      return query === 'order 999' ? 'ERR no such order' : `${query} from ${name}`
    })
  await using a = await replica('a')
  await using b = await replica('b')
  const broken = new Set<number>()
  await using farm = await origins(2, {
    handler(_req, res, { id }) {
      res.statusCode = broken.has(id) ? 500 : 200
      res.end(JSON.stringify({ name: 'Ada' }))
    },
  })
  const { program, url } = await example('balance-anything.ts', { REPLICAS: `${a.port} ${b.port}`, USERS: farm.urls.join(' ') })
  await using _ = program
  const orders = async (id: number, times: number) => {
    const found = new Set<string>()
    for (let asked = 0; asked < times; asked++) {
      const reply = await fetch(`${url}/orders/${id}`)
      const { order, user } = (await reply.json()) as { order?: string; user?: object }
      found.add(reply.ok ? `${order} for ${JSON.stringify(user)}` : `status ${reply.status}`)
    }
    return [...found].sort()
  }
  expect(await orders(1, 6)).toEqual(['order 1 from a for {"name":"Ada"}', 'order 1 from b for {"name":"Ada"}'])
  expect(await orders(999, 20)).toEqual(['status 404'])
  expect(program.output).not.toContain('ejected')
  await a.stop()
  expect(await orders(1, 10)).toEqual(['order 1 from b for {"name":"Ada"}'])

  broken.add(0)
  const asClient = () => fetch(`${url}/users/1`).then(() => program.output)
  await expect.poll(asClient, { timeout: 10_000 }).toContain(`${farm.urls[0]} ejected`)
  const before = farm.servers[0]?.hits
  expect(await orders(1, 20)).toEqual(['order 1 from b for {"name":"Ada"}'])
  expect(farm.servers[0]?.hits).toBe(before)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('tcp-load-balancer: bytes pass, servers learn who the client is, and a dead server costs nobody', async () => {
  const named = (name: string) =>
    tcpServer((bytes) => {
      const header = readProxyHeader(bytes)
      if (!header || header === 'invalid') return 'no header'
      return `${name} heard ${bytes.subarray(header.length)} of ${header.address}`
    })
  await using a = await named('a')
  await using b = await named('b')
  const SERVERS = `tcp://127.0.0.1:${a.port} tcp://127.0.0.1:${b.port}`
  const env = { SERVERS, BEHIND: '127.0.0.1/32', PORT: '0' }
  await using program = childProgram([...nodeArgs, 'tcp-load-balancer.ts'], { cwd: examples, env })
  const [, port] = await program.printed(/listening on tcp:\/\/127\.0\.0\.1:(\d+)/)
  // The one that is kept is cut where its server stops: that is no failure of the test.
  const open = () => connectTcp({ port: Number(port), host: '127.0.0.1' }).on('error', () => {})
  const answerTo = async (bytes: string, socket = open()) => {
    socket.end(bytes)
    let answer = ''
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk
    return answer
  }
  const header = 'PROXY TCP4 203.0.113.7 127.0.0.1 5555 5432\r\n'
  const answers = new Set([await answerTo(`${header}hello`), await answerTo(`${header}hello`)])
  expect(answers).toEqual(new Set(['a heard hello of 203.0.113.7', 'b heard hello of 203.0.113.7']))
  expect(await answerTo('hello, without a header')).toBe('')
  await program.printed(/203\.0\.113\.7 at tcp:\S+: finished, \d+ bytes in, 28 out/)

  const kept = open()
  kept.write(`${header}still `)
  await once(kept, 'connect')
  await a.stop()
  // The one that is open may be at either; new ones are at the other.
  for (let asked = 0; asked < 5; asked++) expect(await answerTo(`${header}hello`)).toBe('b heard hello of 203.0.113.7')
  program.kill('SIGTERM')
  kept.end('here')
  expect(await program.ended).toBe(0)
}, 30_000)

test('validate-requests: what is wrong ends at the gateway, and what is right arrives as it was written', async () => {
  await using farm = await origins(1)
  const { program, url } = await example('validate-requests.ts', { ORIGINS: farm.urls.join(' ') })
  await using _ = program
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
  const written = '{ "item" : "tea",\n  "amount": 2.0 }'
  expect((await post('/v1/orders', written)).status).toBe(200)
  expect((await post('/v2/orders', written, { 'x-api-key': 'secret' })).status).toBe(200)
  expect(farm.servers[0]?.requests.map(({ body }) => String(body))).toEqual([written, written])

  const wrong = await post('/v1/orders', '{"item":"tea","amount":0}')
  expect([wrong.status, wrong.headers.get('sunset')]).toEqual([422, 'Wed, 30 Jun 2027 00:00:00 GMT'])
  expect(await wrong.json()).toMatchObject({ code: 'INVALID_BODY', errors: [{ in: 'body', path: '/amount' }] })
  const gift = '{"item":"tea","amount":1,"gifts":[{"item":"Cup","amount":1}]}'
  expect(await (await post('/v2/orders', gift, { 'x-api-key': 'secret' })).json()).toMatchObject({
    errors: [{ in: 'body', path: '/gifts/0/item' }],
  })
  expect((await post('/v2/orders', gift)).status).toBe(401)
  expect((await post('/v1/orders', '{"item":')).status).toBe(400)
  expect((await fetch(`${url}/v2/orders/07`, { headers: { 'x-api-key': 'secret' } })).status).toBe(400)
  expect((await fetch(`${url}/v2/orders/7?fields=item,price`, { headers: { 'x-api-key': 'secret' } })).status).toBe(400)
  expect(farm.hits).toBe(2)

  expect(await (await fetch(`${url}/v1/prices/tea?amount=2`)).json()).toEqual({ item: 'tea', total: 6 })
  expect(await (await fetch(`${url}/latest/prices/tea`)).json()).toEqual({ item: 'tea', total: 3 })
  const shown = await fetch(`${url}/v1/prices/tea?amount=x`)
  const said = textOf('docs/guides/validate-requests.md')
  for (const part of [
    String(shown.headers.get('deprecation')),
    JSON.stringify(((await shown.json()) as { errors: unknown }).errors),
  ])
    expect(said).toContain(part)
  expect(await (await fetch(`${url}/v3/prices/tea`)).json()).toMatchObject({ status: 404, versions: ['1', '2', 'latest'] })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('aggregate: three servers are one reply, whole or without news, and a stranger is 404', async () => {
  await using farm = await origins(3, {
    handler: [
      (req, res) => {
        res.setHeader('content-type', 'application/json')
        res.statusCode = req.url === '/users/7' ? 200 : 404
        res.end(JSON.stringify(res.statusCode === 200 ? { name: 'Ada', account: 12, password: 'x' } : { secret: 'x' }))
      },
      (_, res) => {
        res.setHeader('content-type', 'application/json')
        res.end(JSON.stringify({ data: { items: [{ id: 1, lines: [{ sku: 'tea', cost: 3 }] }] } }))
      },
      (_, res) => {
        res.setHeader('content-type', 'application/json')
        res.end('["rain"]')
      },
    ],
  })
  const [USERS = '', ORDERS = '', NEWS = ''] = farm.urls
  const { program, url } = await example('aggregate.ts', { USERS, ORDERS, NEWS })
  await using _ = program
  const ask = (path: string) => fetch(`${url}${path}`, { headers: { authorization: 'Bearer ada', cookie: 'sid=1' } })
  const whole = await ask('/home/7?lang=de&secret=1')
  expect(await whole.json()).toEqual({
    user: { name: 'Ada', account: 12 },
    orders: { recent: [{ id: 1, lines: [{ article: 'tea' }] }] },
    news: ['rain'],
  })
  expect(whole.headers.get('gatelet-completed')).toBe('?1')
  expect(farm.servers.map(({ requests }) => requests[0]?.url)).toEqual([
    '/users/7',
    '/accounts/12/orders?limit=5',
    '/latest?lang=de',
  ])
  expect(farm.servers.map(({ requests }) => requests[0]?.headers.authorization)).toEqual(['Bearer ada', 'Bearer ada', undefined])
  expect(farm.servers.map(({ requests }) => requests[0]?.headers.cookie)).toEqual([undefined, undefined, undefined])

  await farm.stop(2)
  const partial = await ask('/home/7')
  expect(Object.keys((await partial.json()) as object)).toEqual(['user', 'orders'])
  expect(Object.fromEntries(partial.headers)).toMatchObject({
    'gatelet-completed': '?0',
    'gatelet-missing': 'news',
    'cache-control': 'no-store',
  })
  await program.printed(/news is missing: /)

  const stranger = await ask('/home/8')
  expect([stranger.status, await stranger.text()]).toEqual([404, expect.not.stringContaining('secret')])
  await farm.stop(1)
  const failed = await ask('/home/7')
  expect([failed.status, await failed.json()]).toMatchObject([502, { code: 'PART_FAILED', detail: 'It was the part recent' }])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('canary: testers see it, clients stay where they are, operators move them, and failures take it back', async () => {
  const broken = new Set<number>()
  await using farm = await origins(4, {
    handler(_, res, { id }) {
      res.statusCode = broken.has(id) ? 500 : 200
      res.end(id === 2 ? 'canary' : 'stable')
    },
  })
  const [a, b, CANARY = '', NEXT = ''] = farm.urls
  const { program, url } = await example('canary.ts', { STABLE: `${a} ${b}`, CANARY, NEXT, ADMIN_PORT: '0' })
  await using _ = program
  const [, weights = ''] = await program.printed(/operators ask (\S+)/)
  const ask = async (headers: Record<string, string> = {}) => (await fetch(`${url}/shop/tea`, { headers })).text()
  const tester = { 'x-release': 'canary' }
  expect(await ask(tester)).toBe('canary')

  const first = await fetch(`${url}/shop/tea`)
  const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const home = await first.text()
  for (let asked = 0; asked < 20; asked++) expect(await ask({ cookie })).toBe(home)
  await expect.poll(() => farm.servers[3]?.hits, { timeout: 5_000 }).toBeGreaterThan(0)

  const set = async (body: object) => {
    const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await fetch(weights, init)).status
  }
  expect(await set({ stable: 1, canary: -1 })).toBe(422)
  expect(await set({ stable: 0, canary: 100 })).toBe(200)
  for (let asked = 0; asked < 5; asked++) expect(await ask({ cookie })).toBe('canary')

  broken.add(2)
  const goneOff = async () => {
    await ask()
    return program.output
  }
  await expect.poll(goneOff, { timeout: 10_000 }).toContain('the canary failed too often')
  expect(await (await fetch(weights)).json()).toEqual({ stable: 100, canary: 0 })
  for (let asked = 0; asked < 5; asked++) expect(await ask({ cookie })).toBe('stable')
  broken.delete(2)
  await expect.poll(() => ask(tester), { timeout: 20_000 }).toBe('canary')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)

test('filters: requests and replies are changed, bounded and refused on their way', async () => {
  await using farm = await origins(1, {
    handler(req, res) {
      if (req.url?.startsWith('/reports')) return
      res.setHeader('x-debug', 'rows=1').setHeader('server', 'backend').setHeader('content-type', 'text/plain')
      res.end(req.url === '/long' ? 'long '.repeat(1_000) : req.url)
    },
  })
  const [origin] = farm.servers
  const { program, url } = await example('filters.ts', { BACKEND: farm.urls[0] ?? '' })
  await using _ = program
  const plain = { 'accept-encoding': 'identity' }

  const moved = await fetch(`${url}/people/a%20b?x=1`, { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([308, '/users/a%20b?x=1'])
  expect(await (await fetch(`${url}/users/a%20b?x=1`, { headers: plain })).text()).toBe('/v2/accounts/a%20b?x=1')

  const changed = await fetch(`${url}/api/orders`, { headers: { ...plain, cookie: 'a=1', origin: 'https://app.example.com' } })
  expect(await changed.text()).toBe('/orders')
  const sent = origin?.requests.at(-1)?.headers
  expect([sent?.cookie, sent?.['x-from'], sent?.['x-request-id']]).toEqual([
    undefined,
    '127.0.0.1',
    changed.headers.get('x-request-id'),
  ])
  expect(Object.fromEntries(changed.headers)).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': 'https://app.example.com',
  })
  expect([changed.headers.has('x-debug'), changed.headers.has('server')]).toEqual([false, false])
  const packed = await fetch(`${url}/api/long`, { headers: { 'accept-encoding': 'gzip' } })
  expect([packed.headers.get('content-encoding'), (await packed.text()).length]).toEqual(['gzip', 5_000])

  const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'PUT' }
  const allowed = await fetch(`${url}/nowhere`, { method: 'OPTIONS', headers: preflight })
  expect([allowed.status, allowed.headers.get('access-control-allow-methods')]).toEqual([204, expect.stringContaining('PUT')])

  const hits = farm.hits
  expect((await fetch(`${url}/users`, { method: 'POST', body: 'x'.repeat(2_000) })).status).toBe(413)
  expect((await fetch(`${url}/admin/users`)).status).toBe(403)
  expect(farm.hits).toBe(hits)
  const late = await fetch(`${url}/reports/today`)
  expect([late.status, late.headers.get('x-frame-options'), late.headers.has('x-request-id')]).toEqual([504, 'DENY', true])

  program.kill('SIGUSR2')
  await program.printed(/closed/)
  const refused = await fetch(`${url}/api/orders`)
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([
    503,
    '600',
    { detail: 'Back at ten' },
  ])
  program.kill('SIGUSR2')
  await program.printed(/open/)
  expect((await fetch(`${url}/api/orders`)).status).toBe(200)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('route-requests: host, path, method, header, query and tenant decide, the router says why, and routes are replaced whole', async () => {
  await using farm = await origins(3)
  const [USERS = '', ORDERS = '', NEXT = ''] = farm.urls
  const { program, url } = await example('route-requests.ts', { USERS, ORDERS, NEXT, ADMIN_PORT: '0' })
  await using _ = program
  const [, operators = ''] = await program.printed(/operators ask (\S+)\/why/)
  const servers = ['users', 'orders', 'next']
  const ask = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(`${url}${path}`, { redirect: 'manual', ...init })
    const { id, ...said } = (await reply.json().catch(() => ({}))) as { id?: number; url?: string }
    return id === undefined ? { status: reply.status, ...said } : `${servers[id]} ${said.url}`
  }
  const asHost = async (host: string, path: string) => {
    const { text } = await rawRequest(Number(new URL(url).port), `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, {
      responses: 1,
    })
    return text
  }
  expect(await ask('/users/7?a=1')).toBe('users /users/7?a=1')
  expect(await ask('/teams/red/users/7')).toBe('users /7')
  expect(await ask('/teams/red')).toMatchObject({ team: 'red' })
  expect(await ask('/orders/7')).toBe('orders /orders/7')
  expect(await ask('/orders/new')).toMatchObject({ list: 'new' })
  expect(await ask('/orders/7', { method: 'PUT' })).toMatchObject({ status: 405 })
  expect(await ask('/orders/7', { headers: { 'x-api-version': '2' } })).toBe('next /orders/7')
  expect(await ask('/orders/7?preview=yes')).toBe('next /orders/7?preview=yes')
  expect(await ask('/orders/7?preview=no')).toBe('orders /orders/7?preview=no')
  expect(await ask('/orders/new/')).toMatchObject({ status: 308 })
  expect(await ask('/beta/x')).toMatchObject({ status: 404, title: 'The shop has no such page' })
  expect(await asHost('acme.shop.example', '/beta/x')).toContain('"url":"/beta/x"')
  expect(await asHost('other.shop.example', '/beta/x')).toContain(' 404 ')
  expect(await asHost('admin.shop.example', '/users/7')).toContain('{"admin":true}')

  const why = await (await fetch(`${operators}/why/GET/localhost/orders/7?preview=yes`)).text()
  expect(textOf('docs/guides/route-requests.md')).toContain(`\`\`\`\n${why.split('\n').slice(0, 5).join('\n')}\n`)
  expect(await ask('/sale')).toMatchObject({ status: 404 })
  const changes = await fetch(`${operators}/sale`, { method: 'POST' })
  expect(await changes.json()).toEqual({ added: ['GET /sale'], removed: [], changed: [] })
  expect(await (await fetch(`${url}/sale`)).text()).toBe('Everything must go')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test.skipIf(!requireProgram('redis-server'))(
  'share-limits: two gateways let five pass together, and go on without Redis',
  async () => {
    await using redis = await startRedis()
    const started = await Promise.all([1, 2].map(() => example('share-limits.ts', { REDIS_URL: redis.url })))
    await using _ = started[0]?.program
    await using __ = started[1]?.program
    const ask = async (at: number, path: string) => fetch(`${started[at % 2]?.url}${path}`)
    // A gateway says that it listens before it has a connection.
    for (const at of [0, 1]) await expect.poll(async () => (await ask(at, '/livez')).json()).toEqual({ ok: true, redis: true })
    const statuses: number[] = []
    while (statuses.length < 8) statuses.push((await ask(statuses.length, '/orders')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    await redis.close()
    await expect.poll(async () => (await ask(0, '/livez')).json()).toEqual({ ok: true, redis: false })
    await redis.start()
    await expect.poll(async () => (await ask(0, '/livez')).json(), { timeout: 10_000 }).toEqual({ ok: true, redis: true })
    for (const { program } of started) program.kill('SIGTERM')
    for (const { program } of started) expect(await program.ended).toBe(0)
  },
  60_000,
)

test('share-limits-in-cluster: workers let ten pass together, and end in order', async () => {
  const PORT = String(await freePort())
  await using program = childProgram([...nodeArgs, 'share-limits-in-cluster.ts'], { cwd: examples, env: { PORT } })
  await program.printed(/worker 1 is listening/)
  await program.printed(/worker 2 is listening/)
  const ask = async () => (await fetch(`http://127.0.0.1:${PORT}/`, { headers: { connection: 'close' } })).status
  const statuses: number[] = []
  while (statuses.length < 12) statuses.push(await ask())
  expect(statuses).toEqual([...Array(10).fill(200), 429, 429])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)

test('limit-requests: clients, log-ins, reports and keys each have their limit', async () => {
  const { program, url } = await example('limit-requests.ts')
  await using _ = program
  const ask = async (path: string, init: RequestInit = {}) => (await fetch(url + path, init)).status
  const attempt = (authorization: string) => ask('/login', { method: 'POST', headers: { authorization } })
  for (let right = 0; right < 5; right++) expect(await attempt('Basic YWRhOjE=')).toBe(200)
  expect([await attempt('x'), await attempt('x'), await attempt('x'), await attempt('x')]).toEqual([401, 401, 401, 429])
  // Two at a time, the others wait for them.
  expect(await Promise.all(Array.from({ length: 4 }, () => ask('/report')))).toEqual([200, 200, 200, 200])
  const left = async () => {
    const reply = await fetch(`${url}/complete`, { method: 'POST', headers: { 'x-api-key': 'k-1' } })
    return /"tokens";r=(\d+)/.exec(reply.headers.get('ratelimit') ?? '')?.[1]
  }
  expect([await left(), await left()]).toEqual(['950', '943'])
  const rest = await Promise.all(Array.from({ length: 20 }, () => ask('/hello')))
  expect(rest).toContain(429)
  await program.printed(/127\.0\.0\.1 is refused \(quota\)/)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('count-for-others: two gateways count together, and each by itself when nobody counts for them', async () => {
  const port = await freePort()
  const { program, url } = await example('count-for-others.ts', { COUNT_PORT: String(port) })
  await using _ = program
  const [, other = ''] = await program.printed(/the other gateway: (\S+)/)
  const found: number[] = []
  for (let asked = 0; asked < 6; asked++) found.push((await fetch(asked % 2 ? url : other)).status)
  expect(found).toEqual([200, 200, 200, 200, 200, 429])
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('protect-an-api: tokens and certificates get in, each may what it may, and the service behind believes the gateway alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = {
    SIGNING_KEY: join(folder, 'identity.key'),
    GATEWAY_KEY: join(folder, 'identity.pub'),
    CLIENTS: join(folder, 'ca.pem'),
  }
  await writeFile(own.SIGNING_KEY, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(own.GATEWAY_KEY, publicKey.export({ format: 'pem', type: 'spki' }))
  await writeFile(own.CLIENTS, authority)
  const signer = await pair('k1', 'RS256')
  const issuer = await Issuer.start([signer])
  const service = await example('behind-the-gateway.ts', own)
  await using _ = service.program
  const { files } = certificate('a')
  const gateway = { ...own, ISSUER: issuer.url, ORDERS: service.url, CERT: files.cert, KEY: files.key }
  const { program, url } = await example('protect-an-api.ts', gateway)
  await using __ = program

  const bearer = async (claims: object = {}) => {
    const said = { aud: 'https://api.example.com', scope: 'orders:read', ...claims }
    return { authorization: `Bearer ${await token(signer, issuer.url, { claims: said })}` }
  }
  const ask = async (method: string, headers: Record<string, string | string[]> = {}, proved: object = {}) => {
    const request = httpsRequest(`${url}/orders/7`, { method, headers, ca: authority, ...proved }).end()
    const [reply] = (await once(request, 'response')) as [IncomingMessage]
    const body = await jsonOf(reply)
    return { status: reply.statusCode, challenge: reply.headers['www-authenticate'], limit: reply.headers['ratelimit'], body }
  }
  const client = { cert: certificate('client').cert, key: certificate('client').key }

  // Nobody, somebody with a forgery, and somebody who cannot decide.
  expect(await ask('GET')).toMatchObject({ status: 401, challenge: 'Bearer realm="orders", Certificate realm="orders"' })
  const forged = await token(await pair('k1', 'RS256'), issuer.url)
  expect(await ask('GET', { authorization: `Bearer ${forged}` }, client)).toMatchObject({
    status: 401,
    challenge: 'Bearer realm="orders", error="invalid_token"',
  })
  expect(await ask('GET', { authorization: 'Bearer' })).toMatchObject({ status: 400 })

  // A person may read, and what the service hears comes from the gateway.
  const reader = { ...(await bearer()), 'x-user': 'root', x_roles: 'admin' }
  expect(await ask('GET', reader)).toMatchObject({
    status: 200,
    body: { you: { subject: 'ada', scopes: ['orders:read'], roles: [], via: 'bearer' } },
  })
  expect((await ask('GET', reader)).body).not.toHaveProperty('user')
  expect(await ask('POST', reader)).toMatchObject({
    status: 403,
    challenge: 'Bearer realm="orders", error="insufficient_scope", scope="orders:write"',
  })
  expect(await ask('POST', await bearer({ scope: 'orders:write' }))).toMatchObject({ status: 200 })
  expect(await ask('DELETE', reader)).toMatchObject({ status: 403, challenge: undefined })
  expect(await ask('DELETE', await bearer({ roles: ['admin'] }))).toMatchObject({
    status: 200,
    body: { you: { roles: ['admin'] } },
  })

  // A service, by its certificate; it has a limit of its own.
  const billing = await ask('GET', {}, client)
  expect(billing).toMatchObject({ status: 200, body: { you: { subject: 'billing', roles: ['service'], via: 'certificate' } } })
  expect(billing.limit).toContain('r=19')
  expect(await ask('POST', {}, client)).toMatchObject({ status: 403 })

  // Another way to the service leads nowhere: not with nothing, not with the token of a person.
  expect((await fetch(service.url)).status).toBe(401)
  expect((await fetch(service.url, { headers: await bearer() })).status).toBe(401)

  // A WebSocket takes the same way, and ends when its token does.
  const socketOf = (headers: Record<string, string>) =>
    new WebSocket(`${url.replace('https', 'wss')}/orders/live`, { ca: authority, headers })
  const [refused] = await once(socketOf({}), 'error')
  expect(String(refused)).toContain('401')
  const socket = socketOf(await bearer({ exp: Math.ceil(Date.now() / 1_000) + 3 }))
  const closed = once(socket, 'close')
  const [greeting] = await once(socket, 'message')
  expect(JSON.parse(String(greeting))).toMatchObject({ subject: 'ada' })
  await closed

  await program.printed(/127\.0\.0\.1 ada: denied \(scope\)/)
  for (const one of [program, service.program]) one.kill('SIGTERM')
  for (const one of [program, service.program]) expect(await one.ended).toBe(0)
  await issuer.close()
  await rm(folder, { recursive: true })
}, 30_000)

test('api-keys: made once, kept as hashes, rotated without a gap, taken back at once, and each customer has a plan', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  const env = { KEYS: join(folder, 'keys.json'), PEPPER: randomBytes(32).toString('base64'), ADMIN_PORT: '0' }
  const first = await example('api-keys.ts', env)
  const operators = async (one: typeof first, method: string, path: string) => {
    const [, admin = ''] = await one.program.printed(/operators ask (\S+)/)
    const reply = await fetch(`${admin}${path}`, { method })
    return reply.status === 201
      ? ((await reply.json()) as { id: string; key: string })
      : { status: reply.status, id: '', key: '' }
  }
  const as = async ({ url }: typeof first, key?: string) => {
    const reply = await fetch(url, { headers: key === undefined ? {} : { 'x-api-key': key } })
    return [reply.status, reply.status === 200 ? await reply.json() : reply.headers.get('www-authenticate')]
  }
  const ada = [200, { customer: 'ada' }]
  const refused = [401, 'ApiKey realm="api", header="x-api-key"']
  const one = await operators(first, 'POST', '/customers/ada/keys')
  expect(one.key).toMatch(new RegExp(`^shop_${one.id}\\.`))
  expect([await as(first), await as(first, one.key), await as(first, `shop_${one.id}.${'A'.repeat(43)}`)]).toEqual([
    refused,
    ada,
    refused,
  ])

  const two = await operators(first, 'POST', `/keys/${one.id}/rotate`)
  expect([await as(first, one.key), await as(first, two.key)]).toEqual([ada, ada])
  expect(await operators(first, 'DELETE', `/keys/${one.id}`)).toMatchObject({ status: 204 })
  expect(await as(first, one.key)).toEqual(refused)
  first.program.kill('SIGTERM')
  expect(await first.program.ended).toBe(0)

  // What is kept is no key, and is there again after a restart.
  expect(await readFile(env.KEYS, 'utf8')).not.toContain(two.key.split('.')[1])
  const again = await example('api-keys.ts', env)
  await using _ = again.program
  const third = await operators(again, 'POST', '/customers/ada/keys')
  const found = [two, third, two, third, two, third]
  const statuses: unknown[] = []
  for (const { key } of found) statuses.push((await as(again, key))[0])
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
  expect(await operators(again, 'PUT', '/customers/ada/plans/gold')).toMatchObject({ status: 204 })
  const policies = async () => (await fetch(again.url, { headers: { 'x-api-key': two.key } })).headers.get('ratelimit-policy')
  await expect.poll(policies, { timeout: 15_000 }).toContain('q=600')
  expect((await as(again, two.key))[0]).toBe(200)
  again.program.kill('SIGTERM')
  expect(await again.program.ended).toBe(0)
  await rm(folder, { recursive: true })
}, 30_000)

test('functions: a route for each kind, and two places for one of them', async () => {
  await using aws = await lambdaEmulator({
    orders: (event: { routeKey: string; body: string }) => ({ statusCode: 201, body: `${event.routeKey} ${event.body}` }),
  })
  const { program, url } = await example('functions.ts', { LAMBDA: `http://127.0.0.1:${await freePort()} ${aws.url}` })
  await using _ = program
  expect(await (await fetch(`${url}/prices/tea?currency=USD`)).json()).toEqual({ item: 'tea', currency: 'USD' })
  expect(await (await fetch(`${url}/hello/you`)).json()).toEqual({ says: 'hello', at: '/hello/you' })
  expect(await (await fetch(`${url}/legacy?x`)).text()).toBe('legacy /legacy?x')
  for (let asked = 0; asked < 4; asked++) {
    const order = await fetch(`${url}/orders`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'tea' })
    expect([order.status, await order.text()]).toEqual([201, 'POST /orders tea'])
  }
  expect(aws.calls.length).toBe(4)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('cache-an-api: prices are stored until they change, articles as their server says, and members have their own', async () => {
  await using farm = await origins(1, {
    handler: (_req, res) => void res.writeHead(200, { 'cache-control': 'max-age=60' }).end('an article'),
  })
  const { program, url } = await example('cache-an-api.ts', { ARTICLES: farm.urls[0] as string })
  await using _ = program
  const ask = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(url + path, init)
    const said = reply.headers
      .get('cache-status')
      ?.replace('gatelet; ', '')
      .replace(/ttl=\d+/, 'ttl')
    return [await reply.text(), said]
  }
  const stored = 'fwd=uri-miss; fwd-status=200; stored'
  expect(await ask('/prices')).toEqual(['{"7":12,"8":30}', stored])
  expect(await ask('/prices?utm_source=mail')).toEqual(['{"7":12,"8":30}', 'hit; ttl'])
  expect(await ask('/prices/7')).toEqual(['{"price":12}', stored])
  expect(await ask('/prices/7', { method: 'PUT', body: '99' })).toEqual(['', 'fwd=method; fwd-status=204'])
  expect(await ask('/prices/7')).toEqual(['{"price":99}', stored])
  expect(await ask('/prices')).toEqual(['{"7":99,"8":30}', stored])
  for (const said of [stored, 'hit; ttl', 'hit; ttl']) expect(await ask('/articles/1')).toEqual(['an article', said])
  expect(farm.hits).toBe(1)
  const me = (name: string) => ask('/me', { headers: { authorization: name } })
  const [ada] = await me('ada')
  expect((await me('bob'))[0]).toContain('bob')
  expect(await me('ada')).toEqual([ada, 'hit; ttl'])
  expect(JSON.parse((await ask('/stats'))[0] ?? '')).toMatchObject({ hits: 3, misses: 5 })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('why-not-cached: tells operators the reasons, each of which the guide explains', async () => {
  const { program, url } = await example('why-not-cached.ts')
  await using _ = program
  const [, operators = ''] = await program.printed(/operators ask (\S+)/)
  for (const path of ['fresh', 'fresh', 'silent', 'basket', 'basket', 'none']) await fetch(`${url}/${path}`)
  await fetch(`${url}/fresh`, { headers: { authorization: 'Bearer x' }, method: 'POST' })
  const reasons = (await (await fetch(operators)).json()) as Record<string, number>
  expect(reasons).toEqual({
    'GET fresh: not stored before': 1,
    'GET silent: no-freshness': 1,
    'GET basket: set-cookie': 2,
    'GET none: no-store': 1,
    'POST fresh: method': 1,
  })
  const guide = textOf('docs/guides/why-not-cached.md')
  for (const reason of ['no-freshness', 'set-cookie', 'no-store', 'method']) expect(guide).toContain(`| \`${reason}\` |`)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('dashboard: shows what came of requests, drains a server by its API, and purges', async () => {
  await using farm = await origins(2, { handler: (_, res) => void res.setHeader('cache-control', 'max-age=60').end('user') })
  const { program, url } = await example('dashboard.ts', { USERS: farm.urls.join(' ') })
  await using _ = program
  const api = `${url}/admin/api/v1`
  const read = async (place: string) => (await fetch(`${api}/${place}`)).json()
  const { csrfToken } = (await read('session')) as { csrfToken: string }
  const headers = { origin: url, 'x-csrf-token': csrfToken, 'content-type': 'application/json' }
  const change = (place: string, what: object) =>
    fetch(`${api}/${place}`, { method: 'POST', headers, body: JSON.stringify(what) })
  const ask = async (path: string) => (await fetch(`${url}${path}`)).text()

  expect((await change('endpoints/change', { balancer: 'users', id: farm.urls[0], action: 'drain' })).status).toBe(200)
  for (const id of [1, 2, 3, 1]) await ask(`/users/${id}`)
  expect(farm.servers.map(({ hits }) => hits)).toEqual([0, 3])
  expect(await (await change('caches/purge', { cache: 'pages', what: 'prefix', value: '/users/' })).json()).toEqual({ purged: 3 })
  await ask('/users/1')
  expect(farm.hits).toBe(4)
  expect(await read('overview')).toMatchObject({ total: 5, failed: 0 })
  expect(await read('routes')).toMatchObject({ routes: [{ route: '/users/*rest', hits: 5, byStatus: { '2xx': 5 } }] })
  expect(await read('caches')).toMatchObject({ caches: [{ name: 'pages', hit: 1, miss: 4 }] })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('websockets: who has logged in talks to a server behind, and is told to come again when that is lost or the gateway closes', async () => {
  const page = textOf('examples/websockets.html')
  expect(textOf('docs/guides/websockets.md')).toContain(`<!-- examples/websockets.html -->\n\`\`\`html\n${page}\`\`\``)
  await using one = await chatServer('one')
  const two = await chatServer('two')
  const { program, url } = await example('websockets.ts', { SERVERS: `${one.url} ${two.url}` })
  await using _ = program
  expect(await (await fetch(url)).text()).toBe(page)
  const chat = `${url.replace('http', 'ws')}/chat`
  expect(String((await once(new WebSocket(chat), 'error'))[0])).toContain('401')
  const login = await fetch(`${url}/login`, { method: 'POST' })
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] as string
  const elsewhere = new WebSocket(chat, { headers: { cookie, origin: 'https://evil.test' } })
  expect(String((await once(elsewhere, 'error'))[0])).toContain('403')
  const sockets = [0, 1].map(() => new WebSocket(chat, { headers: { cookie, origin: url } }))
  await Promise.all(sockets.map((socket) => once(socket, 'open')))
  const heard = sockets.map((socket) => once(socket, 'message'))
  for (const socket of sockets) socket.send('hello')
  expect((await Promise.all(heard)).map(([data]) => String(data)).sort()).toEqual(['one heard hello', 'two heard hello'])
  const codes: number[] = []
  const closed = sockets.map((socket) => once(socket, 'close').then(([code]) => codes.push(code as number)))
  await two[Symbol.asyncDispose]()
  await Promise.race(closed)
  program.kill('SIGTERM')
  await Promise.all(closed)
  expect(codes).toEqual([1011, 1012])
  expect(await program.ended).toBe(0)
}, 30_000)

test.skipIf(!requireProgram('redis-server'))(
  'purge-by-tag: two gateways share what one has stored, and what one purges is gone from both',
  async () => {
    await using redis = await startRedis()
    const started = await Promise.all([1, 2].map(() => example('purge-by-tag.ts', { REDIS_URL: redis.url, PURGE_TOKEN: 'x' })))
    await using _ = started[0]?.program
    await using __ = started[1]?.program
    // As behind a load balancer: both are asked for the same host.
    const ask = async (at: number, path: string, { method = 'GET', token = 'x', body = '' } = {}) => {
      // A reply to a request with credentials is not stored for all.
      const credentials = method === 'GET' ? {} : { authorization: `Bearer ${token}` }
      const headers = { host: 'shop.example', 'content-length': Buffer.byteLength(body), ...credentials }
      const asked = request(new URL(path, started[at]?.url), { method, headers }).end(body)
      const [reply] = (await once(asked, 'response')) as [IncomingMessage]
      return { status: reply.statusCode, said: (await jsonOf(reply)) as Record<string, unknown> }
    }
    // Each program counts for itself what it has made.
    const made = async (at: number, path: string) => (await ask(at, path)).said['made']
    for (const at of [0, 1])
      await expect.poll(async () => (await ask(at, '/livez')).said, { timeout: 10_000 }).toEqual({ ok: true, hearsPurges: true })
    expect([await made(0, '/products/7'), await made(0, '/')]).toEqual([1, 2])
    // Stored a moment after the reply: the client does not wait for that.
    const stored = async () => ((await redis.command('KEYS', 'shop:cache:*}')) as string[]).length
    await expect.poll(stored).toBe(2)
    expect([await made(1, '/'), await made(1, '/products/7')]).toEqual([2, 1])
    const refused = await ask(0, '/purge', { method: 'POST', token: 'y', body: '{"all":true}' })
    expect([refused.status, await made(1, '/')]).toEqual([403, 2])
    const byTag = await ask(0, '/purge', { method: 'POST', body: '{"tag":"products"}' })
    expect(byTag).toEqual({ status: 200, said: { purged: 2, soft: false } })
    // Told by Redis: the near store of the other one has let go of it too, which makes its first one now.
    await expect.poll(() => made(1, '/')).toBe(1)
    await expect.poll(stored).toBe(1)
    expect(await made(0, '/')).toBe(1)
    expect(await ask(0, '/', { method: 'PURGE' })).toEqual({ status: 200, said: { purged: 1, soft: false } })
    await expect.poll(() => made(1, '/')).toBe(2)
    // Without Redis both go on, each by itself.
    await redis.close()
    expect((await ask(0, '/products/8')).status).toBe(200)
    for (const { program } of started) program.kill('SIGTERM')
    for (const { program } of started) expect(await program.ended).toBe(0)
  },
  60_000,
)

test('observe: a request is in the figures, has spans, and a record in the log', async () => {
  await using farm = await origins(2)
  const { program, url } = await example('observe.ts', { USERS: farm.urls.join(' '), METRICS_PORT: '0' })
  await using _ = program
  const [, figures = ''] = await program.printed(/figures on (\S+)/)
  expect((await fetch(`${url}/users/7`)).status).toBe(200)
  await program.printed(/"path":"\/users\/7","protocol":"HTTP\/1.1","status":200/)
  await program.printed(/name: 'GET \/users\/\*rest'/)
  const text = await (await fetch(figures)).text()
  expect(text).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="\/users\/\*rest".*\} 1$/m)
  expect(text).toContain('gatelet_endpoint_state{gatelet_balancer="users"')
  expect(text).toContain('process_cpu_seconds_total')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('three-backends: a service, a function and a table behind the same key, limit and cache', async () => {
  await using farm = await origins(1)
  const { program, url } = await example('three-backends.ts', { SERVICE: farm.urls.join(' '), DATABASE_URL: '' })
  await using _ = program
  const ask = (path: string, key = 'k-ada') => fetch(`${url}${path}`, { headers: { 'x-api-key': key } })
  for (const path of ['/products/1', '/quotes/tea', '/stock/1']) expect((await ask(path, 'k-eve')).status).toBe(401)
  const first = await ask('/products/1')
  expect(await first.json()).toEqual({ id: 1, title: 'tea', price: '4.5' })
  expect(first.headers.get('cache-status')).not.toMatch(/; *hit/)
  expect((await ask('/products/1')).headers.get('cache-status')).toMatch(/; *hit/)
  expect((await ask('/products/7')).status).toBe(404)
  expect((await ask('/products/x')).status).toBe(400)
  expect(await (await ask('/quotes/tea')).json()).toEqual({ item: 'tea', cents: 450 })
  expect((await ask('/stock/1')).status).toBe(200)
  expect(farm.hits).toBe(1)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)
