import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type IntrospectionOptions, introspection, type Verdict } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contextOf } from '../fakes.ts'

const now = Math.floor(Date.now() / 1_000)

/** A local authorisation server that says of each token what it is told to. */
async function setup(options: Partial<IntrospectionOptions> = {}, told: unknown = { active: true, sub: 'ada', scope: 'read' }) {
  const asked: { body: string; authorization: string | undefined }[] = []
  const state = { told, status: 200 }
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    req.on('end', () => {
      asked.push({ body, authorization: req.headers.authorization })
      const text = typeof state.told === 'string' ? state.told : JSON.stringify(state.told)
      res.writeHead(state.status, { 'content-type': 'application/json' }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const clock = virtualClock({ date: now * 1_000 })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`
  const verifier = introspection({ endpoint, clientId: 'gate:way', clientSecret: 's ü', clock, ...options })
  const verify = async (token = 'opaque'): Promise<Verdict> => verifier.verify(contextOf({ authorization: `Bearer ${token}` }))
  return { asked, state, clock, verify }
}

test('asks the server as it wants to be asked', async () => {
  const { asked, verify } = await setup()
  expect(await verify('a+/b=')).toMatchObject({ kind: 'proved', principal: { subject: 'ada', scheme: 'bearer' } })
  const authorization = `Basic ${Buffer.from('gate%3Away:s%20%C3%BC').toString('base64')}`
  expect(asked).toEqual([{ body: 'token=a%2B%2Fb%3D&token_type_hint=access_token', authorization }])
})

describe('an answer', () => {
  test.each<[string, object, string, Partial<IntrospectionOptions>?]>([
    ['that is not active', { active: false }, 'inactive'],
    ['that has ended', { active: true, sub: 'ada', exp: now }, 'expired'],
    ['whose end is a text', { active: true, sub: 'ada', exp: String(now + 60) }, 'expired'],
    ['that has not begun', { active: true, sub: 'ada', nbf: now + 60 }, 'not-yet-valid'],
    ['for somebody else', { active: true, sub: 'ada', aud: ['x'] }, 'wrong-audience', { audience: 'api' }],
    ['for nobody', { active: true, sub: 'ada' }, 'wrong-audience', { audience: 'api' }],
    ['of somebody else', { active: true, sub: 'ada', iss: 'x' }, 'wrong-issuer', { issuer: 'y' }],
    ['about nobody', { active: true }, 'no-subject'],
    ['bound to a key', { active: true, sub: 'ada', cnf: { jkt: 'x' } }, 'bound-token'],
  ])('%s: refused', async (_, told, reason, options) => {
    const { verify } = await setup(options, told)
    expect(await verify()).toMatchObject({ kind: 'refused', status: 401, reason })
  })

  test.each<[string, unknown, number]>([
    ['that does not say', { sub: 'ada' }, 200],
    ['that says it in words', { active: 'true', sub: 'ada' }, 200],
    ['that is no object', [], 200],
    ['that is no JSON', '<html>', 200],
    ['that refuses us', { error: 'invalid_client' }, 401],
    ['that is an error', {}, 500],
    ['that is too long', { active: true, sub: 'x'.repeat(70_000) }, 200],
  ])('%s is no reason to call a token bad', async (_, told, status) => {
    const { verify, state } = await setup({}, told)
    state.status = status
    expect(await verify()).toMatchObject({ kind: 'unavailable', reason: 'no-introspection' })
  })

  test('is the client where there is no user', async () => {
    const { verify } = await setup({}, { active: true, client_id: 'robot' })
    expect(await verify()).toMatchObject({ kind: 'proved', principal: { subject: 'robot' } })
  })
})

describe('what was answered', () => {
  test('is remembered for a while, and never longer than the token is good', async () => {
    const { asked, clock, verify } = await setup({}, { active: true, sub: 'ada', exp: now + 5 })
    await verify()
    await clock.advance(4_000)
    expect(await verify()).toMatchObject({ kind: 'proved' })
    expect(asked).toHaveLength(1)
    await clock.advance(1_000)
    expect(await verify()).toMatchObject({ kind: 'refused', reason: 'expired' })
    expect(asked).toHaveLength(1)
  })

  test('is asked anew when that is over: a token that was taken back passes no more', async () => {
    const { asked, clock, state, verify } = await setup()
    await verify()
    state.told = { active: false }
    await clock.advance(9_999)
    expect(await verify()).toMatchObject({ kind: 'proved' })
    await clock.advance(1)
    expect(await verify()).toMatchObject({ kind: 'refused', reason: 'inactive' })
    state.told = { active: true, sub: 'ada' }
    expect(await verify()).toMatchObject({ kind: 'refused', reason: 'inactive' })
    await clock.advance(2_000)
    expect(await verify()).toMatchObject({ kind: 'proved' })
    expect(asked).toHaveLength(3)
  })

  test('is one question for all that wait, and failures are not remembered', async () => {
    const { asked, state, verify } = await setup()
    state.status = 500
    expect((await Promise.all([verify(), verify(), verify()])).map(({ kind }) => kind)).toEqual(Array(3).fill('unavailable'))
    expect(asked).toHaveLength(1)
    state.status = 200
    expect(await verify()).toMatchObject({ kind: 'proved' })
  })

  test('is kept apart for each token', async () => {
    const { asked, verify } = await setup({ cacheMs: 0, maxPending: 2 })
    const verdicts = await Promise.all(['a', 'b', 'c'].map((token) => verify(token)))
    expect(verdicts.map(({ kind }) => kind)).toEqual(['proved', 'proved', 'unavailable'])
    expect(asked).toHaveLength(2)
  })
})
