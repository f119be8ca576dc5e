import { call } from '@gatelet/testing'
import { auth, chain, createGateway, json, rateLimit } from 'gatelet'
import { absent, principalOf, type Verifier } from 'gatelet/auth'
import { expect, test } from 'vitest'

const robots: Verifier = {
  challenges: [{ scheme: 'Robot', params: {} }],
  verify({ request }) {
    const name = request.headers.get('x-robot')
    return name === undefined ? absent : { kind: 'proved', principal: principalOf({ subject: name, scheme: 'robot' }) }
  },
}

test('auth stands in front of all routes of a gateway, of one of them, and before a limit for each principal', async () => {
  const members = chain().use(auth(robots))
  const limited = members.use(rateLimit({ limit: 1, per: '1h', key: (ctx) => ctx.state.principal.subject }))
  const gateway = createGateway({
    upstreams: {},
    use: [limited],
    routes: [{ path: '/me', to: members.to((ctx) => json({ you: ctx.state.principal.subject })), use: [auth(robots)] }],
  })
  const as = async (robot?: string) =>
    (await call(gateway, { url: '/me', headers: robot === undefined ? {} : { 'x-robot': robot } })).status
  expect([await as(), await as('r2'), await as('r2'), await as('c3')]).toEqual([401, 200, 429, 200])
  expect((await call(gateway, '/nowhere')).status).toBe(401)
  await gateway.close()
})
