import { json, text } from '@gatelet/core'
import { aggregate, part } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

const gives =
  (value: unknown, headers: Record<string, string> = {}) =>
  () =>
    json(value, { headers })

test('puts what each part answered under its name, in the order in which they are given', async () => {
  const user = part({ from: async () => json({ id: 7 }) })
  const reply = await call(aggregate({ user, list: part({ from: gives([1, 2]) }), no: part({ from: gives(null) }) }), '/home')
  expect(reply.status).toBe(200)
  expect(await reply.text()).toBe('{"user":{"id":7},"list":[1,2],"no":null}')
  expect(reply.headers.get('content-type')).toBe('application/json')
  expect(reply.headers.get('gatelet-completed')).toBe('?1')
  expect(reply.headers.has('gatelet-missing')).toBe(false)
})

test('asks a part that needs others with what they gave', async () => {
  const user = part({ from: gives({ account: 12 }), read: (value) => value as { account: number } })
  const tier = part({ from: gives('gold'), read: String })
  const orders = part({
    from: (ctx) => text(JSON.stringify(ctx.request.url), { headers: { 'content-type': 'application/json' } }),
    after: { user, tier },
    request: (_, { user, tier }) => ({ path: '/orders/:of', params: { of: user.account }, query: { tier } }),
  })
  const reply = await call(aggregate({ orders }), '/home?x=1')
  expect(await reply.json()).toMatchObject({ orders: { path: '/orders/12', search: '?tier=gold' } })
})
