import { once } from 'node:events'
import { origins } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { childProgram, freePort, replaced } from '../test/child-program.ts'
import { example, examples, nodeArgs, textOf } from '../test/example-program.ts'

test('first-gateway: the program of the README routes, fails over and drains', async () => {
  const source = textOf('examples/first-gateway.ts')
  expect(textOf('README.md')).toContain(`\`\`\`ts\n${source}\`\`\``)

  await using farm = await origins(4)
  const addresses = farm.urls.map((url, at) => [`127.0.0.1:400${at + 1}`, new URL(url).host])
  const port = await freePort()
  const here = replaced(source, { ...Object.fromEntries(addresses), 'port: 8080': `port: ${port}`, '5_000': '0' })
  await using program = childProgram([...nodeArgs, '--input-type=module', '--eval', here], { cwd: examples })
  await program.listening(port)
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
  await farm.stop(0)
  for (let asked = 0; asked < 5; asked++) expect((await fetch(`http://127.0.0.1:${port}/users/${asked}`)).status).toBe(200)
  expect(await (await fetch(`http://127.0.0.1:${port}/orders/1`)).json()).toMatchObject({ url: '/orders/1' })
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('own-layer: who is not known is refused, who is known is told to what stands behind', async () => {
  const { program, url } = await example('own-layer.ts')
  await using _ = program
  const refused = await fetch(`${url}/me`)
  expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
  const reply = await fetch(`${url}/hello/bob`, { headers: { 'x-api-key': 'k-ada' } })
  expect(await reply.json()).toEqual({ from: 'Ada', to: 'bob' })
  expect(reply.headers.get('server-timing')).toMatch(/^total;dur=\d/)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('own-strategy: asks the cheap server, and the dear one when that is gone', async () => {
  await using farm = await origins(2)
  const [CHEAP = '', DEAR = ''] = farm.urls
  const { program, url } = await example('own-strategy.ts', { CHEAP, DEAR })
  await using _ = program
  for (let asked = 0; asked < 5; asked++) expect((await fetch(url)).status).toBe(200)
  await farm.stop(0)
  for (let asked = 0; asked < 5; asked++) expect((await fetch(url)).status).toBe(200)
  expect(farm.servers.map(({ hits }) => hits)).toEqual([5, 5])
}, 30_000)

test('failover: every client gets its answer', async () => {
  await using program = childProgram([...nodeArgs, 'failover.ts'], { cwd: examples, env: { PORT: '0' } })
  expect(await program.ended).toBe(0)
  const [, answers = '{}'] = await program.printed(/one server closed after 100 of them: (.*)/)
  const { first = 0, second = 0, ...others } = JSON.parse(answers) as Record<string, number>
  expect(first + second).toBe(200)
  expect(second).toBeGreaterThanOrEqual(100)
  expect(others).toEqual({})
}, 30_000)

test('websocket: who has no ticket gets no connection, who has one talks to the server behind', async () => {
  const { program, url } = await example('websocket.ts')
  await using _ = program
  const refused = new WebSocket(`${url.replace('http', 'ws')}/echo`)
  const [error] = await once(refused, 'error')
  expect(String(error)).toContain('403')
  const socket = new WebSocket(`${url.replace('http', 'ws')}/echo?ticket=7`)
  await once(socket, 'open')
  socket.send('hello')
  const [said] = await once(socket, 'message')
  expect(String(said)).toBe('hello')
  socket.close()
  await once(socket, 'close')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)
