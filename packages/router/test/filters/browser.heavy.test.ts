import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { bytesOf, chain, empty, type Handler, HeaderList, json, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type CorsOptions, compress, cors, createRouter } from '@gatelet/router'
import { findProgram } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'

// What browsers make of it. The page is of http://localhost, what it asks of http://127.0.0.1: another origin, and another site.
const chromium = findProgram('chromium')

/** What the page does: each gives what it could read, or `refused`. */
const script = `
const read = async (path, init) => {
  try {
    const reply = await fetch(api + path, init)
    return [reply.status, await reply.text(), reply.headers.get('x-total')].join(' ')
  } catch { return 'refused' }
}
const authorized = { headers: { authorization: 'Bearer x', 'content-type': 'application/json' }, method: 'PUT', body: '{}' }
const firstEvent = () => new Promise((resolve) => {
  const events = new EventSource(api + '/open/events')
  events.onmessage = ({ data }) => { events.close(); resolve(data) }
  events.onerror = () => resolve('refused')
})
const told = {
  simple: await read('/listed'),
  put: await read('/listed', authorized),
  error: await read('/listed/fails'),
  thrown: await read('/listed/throws'),
  missing: await read('/listed/nowhere'),
  'another origin': await read('/others'),
  'preflight of another origin': await read('/others', authorized),
  'method that is not listed': await read('/listed', { method: 'DELETE' }),
  'field that is not listed': await read('/listed', { headers: { 'x-more': '1' } }),
  'credentials that are not allowed': await read('/listed', { credentials: 'include' }),
  'credentials with everything': await read('/credentials', { ...authorized, method: 'PURGE', credentials: 'include' }),
  open: await read('/open', authorized),
  'open with credentials': await read('/open', { credentials: 'include' }),
  'first event of a packed stream': await firstEvent(),
}
await fetch('/done', { method: 'POST', body: JSON.stringify(told) })
`

test.skipIf(!chromium)('a browser lets a page read what it is meant to, and nothing else', { timeout: 120_000 }, async () => {
  const answers: Handler = () => json({ read: true }, { headers: { 'x-total': '7' } })
  const events: Handler = () => {
    const body = new PassThrough()
    body.write('data: now\n\n')
    return { status: 200, headers: new HeaderList({ 'content-type': 'text/event-stream' }), body }
  }
  let done = (_: unknown) => {}
  const told = new Promise((resolve) => {
    done = resolve
  })
  let api = ''
  const pages = createRouter()
    .get('/', () =>
      text(`<!doctype html><script type="module">const api = ${JSON.stringify(api)};${script}</script>`, {
        headers: { 'content-type': 'text/html' },
      }),
    )
    .post('/done', async (ctx) => {
      done(JSON.parse(Buffer.from(await bytesOf(ctx.request.body, 10_000)).toString()))
      return empty()
    })
  await using page = await serve(pages, { port: 0, host: 'localhost' })
  const origin = `http://localhost:${page.port}`
  const listed: CorsOptions = { allowOrigins: [origin], allowMethods: ['PUT'], allowHeaders: ['authorization', 'content-type'] }
  const all = { allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: ['*'] }
  const behind = (options: CorsOptions, handler: Handler) =>
    chain()
      .use(cors(options))
      .use(compress({ minBytes: 0 }))
      .to(handler)
  const inner = createRouter()
    .any('/', answers)
    .get('/fails', () => text('no', 500))
    .get('/throws', () => Promise.reject(new Error('no')))
    .get('/events', events)
  const gate = createRouter()
    .mount('/listed', behind(listed, inner))
    .mount('/others', behind({ ...listed, allowOrigins: ['https://*.example.com'] }, inner))
    .mount('/credentials', behind({ ...all, allowOrigins: [origin], allowCredentials: true }, inner))
    .mount('/open', behind({ ...all, allowOrigins: '*' }, inner))
  await using gateway = await serve(gate, { port: 0, host: '127.0.0.1' })
  api = `http://127.0.0.1:${gateway.port}`

  onTestFinished(await browse(chromium as string, origin))
  const whole = '200 {"read":true} 7'
  const unexposed = '200 {"read":true} '
  expect(await told).toEqual({
    simple: unexposed,
    put: unexposed,
    error: '500 no ',
    thrown: expect.stringMatching(/^500 .*"INTERNAL"/),
    missing: expect.stringMatching(/^404 .*"NOT_FOUND"/),
    'another origin': 'refused',
    'preflight of another origin': 'refused',
    'method that is not listed': 'refused',
    'field that is not listed': 'refused',
    'credentials that are not allowed': 'refused',
    'credentials with everything': whole,
    open: whole,
    'open with credentials': 'refused',
    'first event of a packed stream': 'now',
  })
})

/** @returns what ends the browser */
async function browse(program: string, url: string): Promise<() => Promise<void>> {
  const profile = await mkdtemp(join(tmpdir(), 'gatelet-browser-'))
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`]
  const browser: ChildProcess = spawn(program, [...args, '--remote-debugging-port=0', url], { stdio: 'ignore' })
  return async () => {
    const closed = once(browser, 'close')
    browser.kill('SIGKILL')
    await closed
    await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  }
}
