import { once } from 'node:events'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { origins } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { authority, certificate } from '../test/certificates/certificates.ts'
import { childProgram } from '../test/child-program.ts'
import { example, examples, nodeArgs, textOf } from '../test/example-program.ts'

test.each([
  ['choose-a-strategy', ['choose-a-strategy.ts']],
  ['in-a-fetch-host', ['in-hono.ts']],
  ['write-a-strategy', ['quickest.ts', 'quickest.test.ts', 'compare-strategies.ts']],
  ['discover-endpoints', ['discover.ts']],
  ['write-a-middleware', ['request-id.ts', 'with-request-id.ts', 'request-id.test.ts']],
  ['tls', ['tls.ts']],
])('the guide %s shows the programs as they are', (guide, programs) => {
  for (const program of programs) {
    expect(textOf(`docs/guides/${guide}.md`)).toContain(
      `<!-- examples/${program} -->\n\`\`\`ts\n${textOf(`examples/${program}`)}\`\`\``,
    )
  }
})

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
