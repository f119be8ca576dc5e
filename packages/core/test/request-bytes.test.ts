import { GatewayError, PushSource, requestBytes } from '@gatelet/core'
import { exchange } from '@gatelet/testing'
import { expect, test, vi } from 'vitest'

const open = () => {
  const cancel = vi.fn()
  const body = new PushSource({ pause() {}, resume() {}, cancel })
  const client = exchange('POST /')
  return { body, cancel, client, ctx: client.ctx.withRequest({ body }) }
}

test('gives the bytes of a body, and none where there is no body', async () => {
  const { body, ctx, client } = open()
  const read = requestBytes(ctx, 3)
  for (const part of ['a', 'bc']) body.push(Buffer.from(part))
  body.end()
  expect(Buffer.from(await read).toString()).toBe('abc')
  expect((await requestBytes(client.ctx, 3)).byteLength).toBe(0)
})

test('refuses a body that is longer than is allowed', async () => {
  const { body, cancel, ctx } = open()
  const read = requestBytes(ctx, 3)
  body.push(Buffer.from('abcd'))
  await expect(read).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
  expect(cancel).toHaveBeenCalledTimes(1)
})

test('ends with the exchange: who sends no end is not waited for', async () => {
  const { cancel, client, ctx } = open()
  const read = requestBytes(ctx, 3)
  client.abort(new GatewayError('DEADLINE_EXCEEDED'))
  await expect(read).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(cancel).toHaveBeenCalledTimes(1)
})
