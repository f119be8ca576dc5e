import crypto from 'node:crypto'
import { type ApiKeyOptions, apiKey, createApiKey, memoryApiKeys } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { contextOf } from '../fakes.ts'

const pepper = new Uint8Array(32).fill(1)

function setup(more: Partial<ApiKeyOptions> = {}, expiresAt?: number) {
  const made = createApiKey({ subject: 'ada', pepper, scopes: ['read'], ...(expiresAt === undefined ? {} : { expiresAt }) })
  const keys = memoryApiKeys([made.stored])
  const verifier = apiKey({ keys, pepper, ...more })
  const verify = async (headers: Record<string, string>) => verifier.verify(contextOf(headers))
  return { ...made, keys, verifier, verify }
}

test('a key that was made proves whose it is', async () => {
  const { key, verify } = setup()
  const verdict = await verify({ 'x-api-key': key })
  expect(verdict).toMatchObject({ kind: 'proved', principal: { subject: 'ada', scheme: 'api-key' } })
  expect(JSON.stringify(verdict)).not.toContain('hash')
})

test('what is kept does not hold the secret', () => {
  const { key, stored } = setup()
  const secret = key.slice(key.indexOf('.') + 1)
  expect(JSON.stringify(stored)).not.toContain(secret)
  expect(Buffer.from(stored.hash, 'base64url')).toHaveLength(32)
})

describe('is refused', () => {
  test.each<[string, (key: string) => string, string]>([
    ['another secret', (key) => `${key.slice(0, -43)}${'A'.repeat(43)}`, 'unknown-key'],
    ['another id', (key) => `key_${'0'.repeat(16)}${key.slice(20)}`, 'unknown-key'],
    ['another prefix', (key) => key.replace('key_', 'my_'), 'malformed'],
    ['no secret', (key) => key.slice(0, -44), 'malformed'],
    ['more behind it', (key) => `${key}x`, 'malformed'],
    ['nothing', () => '', 'malformed'],
  ])('%s', async (_, spoil, reason) => {
    const { key, verify } = setup()
    expect(await verify({ 'x-api-key': spoil(key) })).toMatchObject({ kind: 'refused', status: 401, reason })
  })

  test('two of them', async () => {
    const { key, verify } = setup()
    expect(await verify({ 'x-api-key': `${key}, ${key}` })).toMatchObject({ kind: 'refused', status: 400 })
  })

  test('one that was taken back, and one that is over', async () => {
    const clock = virtualClock({ date: 1_000 })
    const { key, stored, keys, verify } = setup({ clock }, 2_000)
    expect(await verify({ 'x-api-key': key })).toMatchObject({ kind: 'proved', principal: { expiresAt: 2_000 } })
    await clock.advance(1_000)
    expect(await verify({ 'x-api-key': key })).toMatchObject({ kind: 'refused', reason: 'expired' })
    keys.revoke(stored.id)
    expect(await verify({ 'x-api-key': key })).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  })

  test('anything that was not made, whatever it is', async () => {
    const { verify } = setup()
    const run = async (text: string) => {
      expect(await verify({ 'x-api-key': text })).toMatchObject({ kind: 'refused' })
    }
    await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'key_0af.-Zé, ') }), run), { seed: 8, numRuns: 300 })
  })
})

test('an id that is not there takes the same work as a secret that is wrong', async () => {
  const { key, verify } = setup()
  const work: string[] = []
  const createHmac = vi.spyOn(crypto, 'createHmac')
  const timingSafeEqual = vi.spyOn(crypto, 'timingSafeEqual')
  onTestFinished(() => void vi.restoreAllMocks())
  const workFor = async (text: string) => {
    createHmac.mockClear()
    timingSafeEqual.mockClear()
    await verify({ 'x-api-key': text })
    const compared = timingSafeEqual.mock.calls.map(([a, b]) => `${a.byteLength} with ${b.byteLength}`)
    work.push(`${createHmac.mock.calls.length} hashed, compared ${compared.join()}`)
  }
  await workFor(key)
  await workFor(`${key.slice(0, -43)}${'A'.repeat(43)}`)
  await workFor(`key_${'0'.repeat(16)}${key.slice(20)}`)
  expect(work).toEqual(Array.from({ length: 3 }, () => '1 hashed, compared 32 with 32'))
})

test('without one it is absent', async () => {
  expect(await setup().verify({})).toEqual({ kind: 'absent' })
})

describe('behind Bearer', () => {
  test('keys with the prefix are looked at, and others left to the next verifier', async () => {
    const { key, verify } = setup({ header: 'authorization' })
    expect(await verify({ authorization: `Bearer ${key}` })).toMatchObject({ kind: 'proved' })
    expect(await verify({ authorization: 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.x' })).toEqual({ kind: 'absent' })
    expect(await verify({ authorization: `Bearer ${key.slice(0, -1)}` })).toMatchObject({ kind: 'refused' })
    expect(await verify({ authorization: 'Bearer' })).toMatchObject({ kind: 'refused', status: 400 })
  })
})

test.each<[string, ApiKeyOptions['keys']]>([
  [
    'throws',
    {
      find: () => {
        throw new Error('away')
      },
    },
  ],
  ['rejects', { find: () => Promise.reject(new Error('away')) }],
])('a store that %s is no reason to call a key bad', async (_, keys) => {
  const { key, verify } = setup({ keys })
  expect(await verify({ 'x-api-key': key })).toMatchObject({ kind: 'unavailable', reason: 'no-store' })
})

test('a record that is broken proves nothing', async () => {
  for (const hash of ['', 'AAAA', undefined as never]) {
    const { key, stored, keys, verify } = setup()
    keys.put({ ...stored, hash })
    expect(await verify({ 'x-api-key': key })).not.toMatchObject({ kind: 'proved' })
  }
})

test.each<[string, unknown]>([
  ['no number', Number.NaN],
  ['a text', '2999-01-01T00:00:00Z'],
  ['null', null],
  ['an object', {}],
])('a key whose end is %s has ended', async (_, expiresAt) => {
  const { key, stored, keys, verify } = setup()
  keys.put({ ...stored, expiresAt: expiresAt as number })
  expect(await verify({ 'x-api-key': key })).toMatchObject({ kind: 'refused', status: 401, reason: 'expired' })
})
