import { type IncomingMessage, request } from 'node:http'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { cache } from '@gatelet/cache'
import { chain, eventStream, type Handler, type Layer } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { compress } from '@gatelet/router'
import { origins } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const EVENTS = 20

/** Asks, and takes one event after the other: each is to be here before the next is made. */
async function eventsOneByOne(url: string, headers: Record<string, string>, say: (event: string) => void) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).on('error', reject).end()
  })
  const coding = response.headers['content-encoding']
  const plain =
    coding === 'gzip' ? response.pipe(createGunzip()) : coding === 'br' ? response.pipe(createBrotliDecompress()) : response
  let text = ''
  let heard = () => {}
  plain.on('data', (chunk: Buffer) => {
    text += chunk
    heard()
  })
  plain.on('error', () => {})
  for (let at = 0; at < EVENTS; at++) {
    const event = `id: ${at}\ndata: ${at}\n\n`
    say(event)
    while (!text.endsWith(event)) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`event ${at} did not come: ${JSON.stringify(text.slice(-100))}`)), 3_000)
        heard = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
  }
  return { response, coding }
}

/** A server of events, and a gateway in front of it. */
async function through(layer: Layer, headers: Record<string, string>, upstream: Record<string, string> = {}) {
  let say = (_: string) => {}
  await using farm = await origins(1, {
    handler: (_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream', ...upstream })
      res.flushHeaders()
      say = (event) => void res.write(event)
    },
  })
  const api = chain()
    .use(layer as never)
    .to(proxy(farm.urls[0] as string))
  const server = await serve(api, { port: 0, host: '127.0.0.1' })
  const { response, coding } = await eventsOneByOne(server.url, headers, (event) => say(event))
  response.destroy()
  await farm.servers[0]?.when(({ requests }) => requests[0]?.aborted)
  await server.close({ graceMs: 0 })
  return coding
}

const plain: Layer = (ctx, next) => next(ctx)

describe('events of a server are at the client before the next is made, and the server is left with the client', () => {
  test('through a proxy', async () => {
    expect(await through(plain, {})).toBeUndefined()
  })

  test.each(['gzip', 'br'])('packed with %s by the filter', async (coding) => {
    expect(await through(compress(), { 'accept-encoding': coding })).toBe(coding)
  })

  test('as they are, where the server forbids to pack them', async () => {
    expect(await through(compress(), { 'accept-encoding': 'gzip' }, { 'cache-control': 'no-transform' })).toBeUndefined()
  })

  test('through a cache', async () => {
    expect(await through(cache(), {})).toBeUndefined()
  })

  test('through a cache that could store them', async () => {
    expect(await through(cache(), {}, { 'cache-control': 'public, max-age=60' })).toBeUndefined()
  })

  test('through a cache behind the filter', async () => {
    expect(await through(chain().use(compress()).use(cache()).layer() as Layer, { 'accept-encoding': 'gzip' })).toBe('gzip')
  })
})

test('events of a handler are at the client before the next is made', async () => {
  let say = (_: string) => {}
  const handler: Handler = () =>
    eventStream((events) => {
      say = (event) => {
        const [, id = '', data = ''] = /id: (\d+)\ndata: (\d+)/.exec(event) ?? []
        events.send({ id, data })
      }
    })
  const server = await serve(handler, { port: 0, host: '127.0.0.1' })
  const { response } = await eventsOneByOne(server.url, {}, (event) => say(event))
  response.destroy()
  await server.close({ graceMs: 0 })
})
