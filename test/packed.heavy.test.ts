import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { origins } from '@gatelet/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Issuer, pair, token } from '../packages/auth/test/issuer.ts'
import { accepts, type ChildProgram, childProgram, freePort, replaced } from './child-program.ts'
import { cheapestFirst, guardedUpstreams, limitedExpress, limitedMembers, twoUpstreams, wholeGateway } from './packed/programs.ts'
import { type Project, run, userProject } from './packed/project.ts'

let project: Project
let complaints: string

beforeAll(() => {
  project = userProject()
  const [readme = ''] = /(?<=```ts\n)import.*?(?=```)/s.exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8')) ?? []
  complaints = project.compile({ cheapestFirst, guardedUpstreams, limitedMembers, twoUpstreams, wholeGateway, readme })
}, 300_000)

// Not there when it could not be made.
afterAll(() => (project as Project | undefined)?.[Symbol.dispose]())

test('programs compile against the packed types', () => {
  expect(complaints).toBe('')
})

test('every entry loads by import and by require', () => {
  expect(project.entries).toContain('gatelet/core')
  for (const entry of project.entries) {
    const byImport = evaluated('module', `import * as all from '${entry}'; console.log(Object.keys(all).join())`)
    const byRequire = evaluated('commonjs', `console.log(Object.keys(require('${entry}')).join())`)
    expect(byImport).toMatch(/\w/)
    expect(byRequire.split(',').sort()).toEqual(byImport.split(',').sort())
  }
})

test('a strategy of its own asks the cheap server, and the dear one when that is gone', async () => {
  await using farm = await origins(2)
  const [cheap = '', dear = ''] = farm.urls
  const { program, url } = await started('cheapestFirst', { 'http://10.0.0.1:4001': cheap, 'http://10.0.0.2:4001': dear })
  await using _ = program
  expect(await statuses(`${url}/x`, 10)).toEqual(Array(10).fill(200))
  expect(farm.servers.map(({ hits }) => hits)).toEqual([10, 0])
  await farm.stop(0)
  expect(await statuses(`${url}/x`, 10)).toEqual(Array(10).fill(200))
  expect(farm.servers[1]?.hits).toBe(10)
})

test('a gateway of two upstreams drains on SIGTERM: what is in flight is answered, and the process ends', async () => {
  await using farm = await origins(4)
  const [a = '', b = '', c = '', d = ''] = farm.urls
  const { program, url, port } = await started('twoUpstreams', {
    'http://10.0.0.1:4001': a,
    'http://10.0.0.2:4001': b,
    'http://10.0.0.3:4002': c,
    'http://10.0.0.4:4002': d,
    '5_000': '50',
  })
  await using _ = program
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ ok: true })
  expect(await statuses(`${url}/users/1`, 8)).toEqual(Array(8).fill(200))
  expect(await statuses(`${url}/orders/1`, 8)).toEqual(Array(8).fill(200))
  expect(farm.hits).toBe(16)
  expect((await fetch(`${url}/nowhere`)).status).toBe(404)

  for (const server of farm.servers) server.fault = { kind: 'hang-before-headers' }
  const inFlight = fetch(`${url}/users/1`)
  await Promise.any(farm.servers.map((server) => server.when(() => server.requests.some(({ fault }) => fault))))
  program.kill('SIGTERM')
  while (await accepts(port)) await setTimeout(5)
  for (const server of farm.servers) server.release()
  expect((await inFlight).status).toBe(200)
  expect(await program.ended).toBe(0)
})

test('a gateway asks who is there, and limits each of them', async () => {
  await using farm = await origins(4)
  const [a = '', b = '', c = '', d = ''] = farm.urls
  const [key, stranger] = await Promise.all([pair('k1', 'RS256'), pair('k1', 'RS256')])
  const issuer = await Issuer.start([key])
  try {
    const { program, url } = await started('guardedUpstreams', {
      'http://10.0.0.1:4001': a,
      'http://10.0.0.2:4001': b,
      'http://10.0.0.3:4002': c,
      'http://10.0.0.4:4002': d,
      'https://id.example.com/': issuer.url,
      '5_000': '50',
    })
    await using _ = program
    const as = async (signed?: string) => {
      const headers = signed === undefined ? {} : { authorization: `Bearer ${signed}` }
      const reply = await fetch(`${url}/users/1`, { headers })
      return [reply.status, reply.headers.get('www-authenticate')]
    }
    const good = { claims: { aud: 'https://api.example.com' } }
    expect(await as()).toEqual([401, 'Bearer realm="api"'])
    expect(await as(await token(stranger, issuer.url, good))).toEqual([401, 'Bearer realm="api", error="invalid_token"'])
    expect(await as(await token(key, issuer.url, good))).toEqual([200, null])
    const unscoped = await token(key, issuer.url, { claims: { ...good.claims, scope: 'write' } })
    expect(await as(unscoped)).toEqual([403, 'Bearer realm="api", error="insufficient_scope", scope="read"'])
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(0)
  } finally {
    await issuer.close()
  }
})

test('a whole gateway keeps its options when new ones are wrong', async () => {
  await using farm = await origins(1)
  const { program, url } = await started('wholeGateway', { 'http://10.0.0.1:4001': farm.urls[0] ?? '' })
  await using _ = program
  await program.printed(/kept the old configuration: gateway\.replace: routes\[0\]\.path must be a path that starts with a slash/)
  expect(await (await fetch(`${url}/users/7`)).json()).toMatchObject({ url: '/7' })
  expect(await (await fetch(`${url}/who`)).json()).toEqual({ caller: '127.0.0.1' })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
})

test('three commands lead from an empty folder to Express with a limiter, which refuses who asks too often', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatelet-express-'))
  try {
    const tarballs = readdirSync(project.folder).filter((name) => name.endsWith('.tgz'))
    const port = await freePort()
    writeFileSync(join(folder, 'app.mjs'), replaced(limitedExpress, { 'listen(8080)': `listen(${port}, '127.0.0.1')` }))
    run(['npm', 'init', '-y'], [], folder)
    run(
      ['npm', 'install', '--prefer-offline', 'express'],
      tarballs.map((name) => join(project.folder, name)),
      folder,
    )
    await using program = childProgram(['app.mjs'], { cwd: folder, env: { NODE_OPTIONS: '' } })
    await program.listening(port)
    const api = `http://127.0.0.1:${port}/api/orders/7`
    const first = await fetch(api)
    expect([await first.json(), first.headers.get('ratelimit')]).toEqual([{ id: '7' }, '"100-per-1m";r=19;t=1'])
    // What refills meanwhile may let one or two more pass.
    const found = await statuses(api, 40)
    expect([found.slice(0, 19), found.includes(429)]).toEqual([Array(19).fill(200), true])
    const elsewhere = await fetch(api, { headers: { 'x-forwarded-for': '192.0.2.1' } })
    expect(elsewhere.status).toBe(200)
    const logins: number[] = []
    while (logins.length < 6) logins.push((await fetch(`http://127.0.0.1:${port}/login`, { method: 'POST' })).status)
    expect(logins).toEqual([200, 200, 200, 200, 200, 429])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('limits members by who they are, and settles what they have used', async () => {
  const { program, url } = await started('limitedMembers', {})
  await using _ = program
  const as = async (user: string) => {
    const reply = await fetch(url, { headers: { 'x-user': user } })
    return [reply.status, /"1000-per-day";r=(\d+)/.exec(reply.headers.get('ratelimit') ?? '')?.[1]]
  }
  expect([await as('ada'), await as('ada'), await as('ada'), await as('bob')]).toEqual([
    [200, '999'],
    [200, '989'],
    [429, undefined],
    [200, '999'],
  ])
  program.kill('SIGTERM')
})

/** Runs what was compiled, at other addresses. */
async function started(
  name: string,
  addresses: Readonly<Record<string, string>>,
): Promise<{ program: ChildProgram; url: string; port: number }> {
  const port = await freePort()
  const compiled = readFileSync(join(project.folder, `${name}.js`), 'utf8')
  writeFileSync(join(project.folder, `${name}.here.js`), replaced(compiled, { ...addresses, 'port: 8080': `port: ${port}` }))
  const program = childProgram([`${name}.here.js`], { cwd: project.folder, env: { NODE_OPTIONS: '' } })
  await program.listening(port)
  return { program, url: `http://127.0.0.1:${port}`, port }
}

async function statuses(url: string, times: number): Promise<number[]> {
  const found: number[] = []
  for (let asked = 0; asked < times; asked++) {
    const reply = await fetch(url)
    await reply.arrayBuffer()
    found.push(reply.status)
  }
  return found
}

function evaluated(type: 'module' | 'commonjs', code: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`--input-type=${type}`, '--eval', code], {
    cwd: project.folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return stdout.trim()
}
