import { chain, type Middleware, withAttemptFields } from '@gatelet/core'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { call, origins } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

const naming: Middleware = (ctx, next) =>
  next(withAttemptFields(ctx, ({ attempt, endpoint, origin }) => [['x-attempt', `${attempt} ${endpoint.id} ${origin.port}`]]))

test.each<[string, ProxyOptions]>([
  ['over HTTP/1', {}],
  ['and hedged', { hedge: { afterMs: 1_000 } }],
])('each attempt is told what layers want it to be told, %s', async (_, options) => {
  await using farm = await origins(2)
  if (farm.servers[0]) farm.servers[0].fault = { kind: 'reset-before-headers' }
  const forward = proxy(ledger(farm.urls), options)
  const reply = await call(chain().use(naming).to(forward), { url: '/', headers: { 'X-Attempt': 'forged' } })
  expect(reply.status).toBe(200)
  const told = farm.servers.map(({ requests, port }) => [
    requests.at(-1)?.headers['x-attempt']?.toString().split(' ').at(0),
    port,
  ])
  expect(told.map(([attempt]) => attempt)).toEqual(['0', '1'])
  await forward.close()
})

test('a handshake is told, too', async () => {
  await using farm = await origins(1)
  const forward = proxy(ledger(farm.urls))
  await call(chain().use(naming).to(forward), { kind: 'upgrade' })
  expect(farm.servers[0]?.requests.at(-1)?.headers['x-attempt']).toMatch(/^0 /)
  await forward.close()
})
