import { apiKey, auth, basic, claimedUser, createApiKey, fixedUsers, memoryApiKeys } from '@gatelet/auth'
import { chain, json } from '@gatelet/core'
import { rateLimit } from '@gatelet/rate-limiter'
import { call, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const isRefused = (status: number) => status === 401

/** A log-in that counts those that were refused: by address, and by the name that is tried. */
function scene() {
  const clock = virtualClock()
  const asked: string[] = []
  const users = fixedUsers({ ada: 'right', bob: 'right' })
  const check = (user: string, password: string) => {
    asked.push(user)
    return users(user, password)
  }
  const failures = rateLimit({
    policies: [
      { name: 'address', limit: 10, per: '5m', algorithm: 'fixed' },
      { name: 'user', limit: 3, per: '5m', algorithm: 'fixed', key: claimedUser },
    ],
    refund: (status) => !isRefused(status),
    headers: false,
    clock,
  })
  const handler = chain()
    .use(failures)
    .use(auth(basic({ check })))
    .to((ctx) => json({ you: ctx.state.principal.subject }))
  const login = async (user: string, password: string, client = '192.0.2.1') => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return (await call(handler, { headers: { authorization }, client })).status
  }
  return { clock, asked, login }
}

test('who logs in rightly is never held up', async () => {
  const { login } = scene()
  for (let times = 0; times < 50; times++) expect(await login('ada', 'right')).toBe(200)
})

test('one name can be tried a few times, from wherever; the right password waits then, too', async () => {
  const { clock, asked, login } = scene()
  for (const last of [1, 2, 3]) expect(await login('ada', 'wrong', `192.0.2.${last}`)).toBe(401)
  expect(await login('ada', 'wrong', '192.0.2.4')).toBe(429)
  expect(await login('ada', 'right', '192.0.2.5')).toBe(429)
  // Nobody has hashed a password for them.
  expect(asked).toEqual(['ada', 'ada', 'ada'])
  expect(await login('bob', 'right', '192.0.2.4')).toBe(200)
  await clock.advance(300_000)
  expect(await login('ada', 'right')).toBe(200)
})

test('one address can try a few names', async () => {
  const { login } = scene()
  for (let name = 0; name < 10; name++) expect(await login(`user${name}`, 'guess')).toBe(401)
  expect(await login('user10', 'guess')).toBe(429)
  expect(await login('ada', 'right', '192.0.2.2')).toBe(200)
})

test('guesses at the same time are counted before they are judged', async () => {
  const { login } = scene()
  const statuses = await Promise.all(Array.from({ length: 8 }, () => login('ada', 'wrong')))
  expect(statuses.filter((status) => status === 401)).toHaveLength(3)
  expect(statuses.filter((status) => status === 429)).toHaveLength(5)
})

test('what is malformed counts for its address; keys are counted in the same way', async () => {
  const pepper = new Uint8Array(32)
  const { key, stored } = createApiKey({ subject: 'robot', pepper })
  const handler = chain()
    .use(rateLimit({ limit: 2, per: '5m', algorithm: 'fixed', refund: (status) => !isRefused(status) }))
    .use(auth(apiKey({ keys: memoryApiKeys([stored]), pepper })))
    .to(() => json({}))
  const ask = async (text: string) => (await call(handler, { headers: { 'x-api-key': text } })).status
  const statuses = []
  for (const text of [key, 'key_0000000000000000.x', key, key, `${key.slice(0, -3)}AAA`, key]) statuses.push(await ask(text))
  expect(statuses).toEqual([200, 401, 200, 200, 401, 429])
})
