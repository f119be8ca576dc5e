import { once } from 'node:events'
import { request } from 'node:http'
import { chain } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { type StandardSchema, validate } from '@gatelet/router'
import { origins, rawRequest } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'

async function gateway(to: string, body: StandardSchema) {
  const upstream = proxy(to)
  const layer = validate({ query: z.object({ q: z.string().optional() }).strict(), body })
  const server = await serve(chain().use(layer).to(upstream), { port: 0, host: '127.0.0.1' })
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 0 })
      await upstream.close()
    },
  }
}

test('a body that came in pieces reaches the server whole, once and with its length', async () => {
  await using farm = await origins(1, { keepBodyBytes: 1_000_000 })
  await using made = await gateway(farm.urls[0] ?? '', z.array(z.string()))
  const parts = ['[ "first",', `"${'é'.repeat(150_000)}"`, '\n]']
  const sent = request(made.server.url, { method: 'POST', headers: { 'content-type': 'application/json' } })
  for (const part of parts) sent.write(part)
  sent.end()
  const [reply] = await once(sent, 'response')
  reply.resume()
  expect(reply.statusCode).toBe(200)
  const received = farm.servers[0]?.requests[0]
  expect(String(received?.body)).toBe(parts.join(''))
  expect(received?.headers['content-length']).toBe(String(Buffer.byteLength(parts.join(''))))
  expect(received?.headers['transfer-encoding']).toBeUndefined()
  expect(farm.hits).toBe(1)
})

test('who waits to be told to go on is not, when the query is wrong already', async () => {
  await using farm = await origins(1)
  await using made = await gateway(farm.urls[0] ?? '', z.unknown())
  const head = (target: string) =>
    `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`
  const port = Number(new URL(made.server.url).port)
  const refused = await rawRequest(port, head('/?other=1'))
  expect(refused.responses.map(({ status }) => status)).toEqual([400])
  expect(farm.hits).toBe(0)
})
