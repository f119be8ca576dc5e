import { call, describeMiddleware } from '@gatelet/testing'
import { json } from 'gatelet'
import { describe, expect, test } from 'vitest'
import { requestId } from './request-id.ts'

// What every layer must do, and twenty cases of it.
describeMiddleware('requestId', () => requestId(), {
  describe,
  test,
  adds: ['requestId'],
  mistakes: {
    'a header that is no name': () => requestId({ header: 'request id' }),
    'an option that is not known': () => requestId({ headers: 'x-id' } as object),
  },
})

// What this one is for.
const who = (trustClient: boolean) => (headers: Record<string, string>) =>
  call(
    (ctx) => requestId({ trustClient })(ctx, (named) => json([named.state.requestId, named.request.headers.get('x-request-id')])),
    { headers },
  )

test('tells the same name to those behind it, to the server and to the client', async () => {
  const reply = await who(false)({})
  const [state, sent] = await reply.json<string[]>()
  expect(state).toMatch(/^[0-9a-f-]{36}$/)
  expect([sent, reply.headers.get('x-request-id')]).toEqual([state, state])
})

test('takes over what a client sends only where it may, and only what is harmless in a log', async () => {
  const name = async (trustClient: boolean, id: string) =>
    (await who(trustClient)({ 'x-request-id': id })).headers.get('x-request-id')
  expect(await name(false, 'mine')).not.toBe('mine')
  expect(await name(true, 'mine')).toBe('mine')
  expect(await name(true, 'a b')).not.toBe('a b')
})
