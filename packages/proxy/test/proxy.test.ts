import { proxy } from '@gatelet/proxy'
import { call, calls, origins } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('answers with what the upstream answers', async () => {
  await using farm = await origins(1)
  const reply = await call(proxy(farm.urls[0] as string), 'GET /a/b?c=1')
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({ id: 0, method: 'GET', url: '/a/b?c=1' })
})

test('uses one connection for requests that follow each other', async () => {
  await using farm = await origins(1)
  const replies = await calls(proxy(farm.urls[0] as string), 20)
  expect(replies.every((reply) => reply.status === 200)).toBe(true)
  expect(farm.servers[0]?.sockets).toBe(1)
})

test('posts a body', async () => {
  await using farm = await origins(1)
  const handler = proxy(farm.urls[0] as string)
  const reply = await call(handler, { method: 'POST', url: '/x', body: 'hello', headers: { 'content-length': '5' } })
  expect(reply.status).toBe(200)
  expect(Buffer.from(farm.servers[0]?.requests[0]?.body ?? '').toString()).toBe('hello')
})
