import { get, type IncomingMessage } from 'node:http'
import { EventParser, type ReceivedEvent } from 'gatelet/websocket'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { example, textOf } from '../test/example-program.ts'

test.each([
  ['http-to-websocket', ['http-to-websocket.ts', 'http-to-websocket.html']],
  ['server-sent-events', ['server-sent-events.ts', 'server-sent-events.html']],
])('the guide %s shows the programs and their pages as they are', (guide, files) => {
  for (const file of files) {
    const language = file.split('.').at(-1)
    expect(textOf(`docs/guides/${guide}.md`)).toContain(
      `<!-- examples/${file} -->\n\`\`\`${language}\n${textOf(`examples/${file}`)}\`\`\``,
    )
  }
})

/** Follows a stream of events as a browser does, until it is told to stop. */
async function follow(url: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers, agent: false }, resolve).on('error', reject),
  )
  const events: ReceivedEvent[] = []
  let heard = () => {}
  const parser = new EventParser({ event: (event) => void events.push(event) }, 1_000_000)
  response.on('error', () => {})
  response.on('data', (chunk: Buffer) => {
    parser.push(chunk)
    heard()
  })
  const until = async (n: number) => {
    while (events.length < n) {
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
    return events
  }
  return { until, stop: () => void response.destroy() }
}

test('http-to-websocket: requests are calls of a WebSocket, and what it says unasked are events', async () => {
  const { program, url } = await example('http-to-websocket.ts')
  await using _ = program
  const call = async (method: string, id: unknown) => {
    const reply = await fetch(`${url}/rpc`, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', method, params: [2], id }) })
    return [reply.status, await reply.json()]
  }
  const sums = await follow(`${url}/sums`)
  expect(await call('add', 'a')).toEqual([200, { jsonrpc: '2.0', result: 2, id: 'a' }])
  expect(await call('add', 7)).toEqual([200, { jsonrpc: '2.0', result: 4, id: 7 }])
  expect(await call('sub', 8)).toEqual([404, { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: 8 }])
  // Whatever a client sends, the program goes on.
  const odd = await fetch(`${url}/rpc`, { method: 'POST', body: '{"jsonrpc":"2.0","method":"add","id":9}' })
  expect(await odd.json()).toEqual({ jsonrpc: '2.0', result: 4, id: 9 })
  expect((await sums.until(2)).slice(0, 2).map(({ event, data }) => [event, data])).toEqual([
    ['sum', '[2]'],
    ['sum', '[4]'],
  ])
  sums.stop()
  expect(await (await fetch(`${url}/counts`)).json()).toMatchObject({ connections: 1, pending: 0, late: 0, unreadable: 0 })
  expect(await (await fetch(url)).text()).toBe(textOf('examples/http-to-websocket.html'))
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 30_000)

test('server-sent-events: pages chat by events and POST, miss nothing, and prices are messages too', async () => {
  const { program, url } = await example('server-sent-events.ts')
  await using _ = program
  const ada = await follow(`${url}/room`)
  const [first] = await ada.until(1)
  const { token } = JSON.parse(first?.data ?? '') as { token: string }
  const say = async (text: string, by = token) => {
    const headers = { 'content-type': 'application/json', 'stream-token': by }
    return (await fetch(`${url}/room`, { method: 'POST', headers, body: JSON.stringify({ say: text }) })).status
  }
  const odd = { method: 'POST', headers: { 'content-type': 'application/json', 'stream-token': token }, body: 'no JSON' }
  expect((await fetch(`${url}/room`, odd)).status).toBe(204)
  expect([await say('hello'), await say('is anybody here?'), await say('no', 'x')]).toEqual([204, 204, 403])
  expect((await ada.until(3)).slice(1)).toEqual([
    { event: 'said', data: 'hello', id: '1' },
    { event: 'said', data: 'is anybody here?', id: '2' },
  ])
  ada.stop()
  const again = await follow(`${url}/room`, '1')
  expect((await again.until(2))[1]).toEqual({ event: 'said', data: 'is anybody here?', id: '2' })
  const prices = await follow(`${url}/prices`, '41')
  expect((await prices.until(1))[0]).toEqual({ event: 'price', data: '{"tea":300}', id: '42' })
  prices.stop()
  const live = new WebSocket(`${url.replace('http', 'ws')}/prices/live?lastEventId=41`)
  const message = await new Promise((resolve) => live.once('message', (data) => resolve(JSON.parse(String(data)))))
  expect(message).toEqual({ event: 'price', data: '{"tea":300}', id: '42' })
  const closed = new Promise((resolve) => live.once('close', resolve))
  program.kill('SIGTERM')
  expect(await closed).toBe(1012)
  expect(await program.ended).toBe(0)
}, 30_000)
