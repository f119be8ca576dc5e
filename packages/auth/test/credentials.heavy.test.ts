import { createHash } from 'node:crypto'
import { httpSignature, jwt, memoryReplays, session, type Verdict } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { readCompact } from '../src/jwt/compact.ts'
import { contextOf } from './fakes.ts'
import { pair, token } from './issuer.ts'
import { type Line, signed, signers } from './signature/signer.ts'

const seed = 20_261_124
const scale = process.env['HEAVY_SHORT'] === '1' ? 1 : 50
const runs = (count: number) => ({ seed, numRuns: count * scale })
const issuer = 'https://id.example.com/'
const clock = virtualClock({ date: Date.now() })

/** Good texts in which one to three letters were changed, left out, doubled, or put elsewhere: what an attacker tries first. */
const spoiled = (good: string, letters: string) => {
  const edit = fc.record({ at: fc.nat(good.length), letter: fc.constantFrom(...letters), how: fc.nat(4), length: fc.nat(8) })
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) => edits.reduce(edited, good))
    .filter((text) => text !== good)
}

function edited(text: string, { at, letter, how, length }: { at: number; letter: string; how: number; length: number }): string {
  const [before, after] = [text.slice(0, at), text.slice(at)]
  if (how === 0) return before + letter + after.slice(1)
  if (how === 1) return before + letter + after
  if (how === 2) return before + after.slice(1 + length)
  if (how === 3) return before + after.slice(0, length) + after
  return after + before
}

const compactLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/'
const fieldLetters = `${compactLetters}"'()@;:,? \\!*`

test('what is read as a token is written in that one way, and means what JSON says', async () => {
  const json = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text).toString('base64url'))
  const piece = fc.oneof(
    json,
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    fc.string(),
  )
  const made = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'))
  const texts = fc.oneof(made, spoiled(await token(await pair('k1'), issuer), compactLetters), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(texts, (text) => {
      const read = readCompact(text)
      if (!read) return
      const [header = '', payload = '', signature = '', ...more] = text.split('.')
      expect(more).toEqual([])
      for (const part of [header, payload, signature]) expect(Buffer.from(part, 'base64url').toString('base64url')).toBe(part)
      expect(read.header).toEqual(JSON.parse(Buffer.from(header, 'base64url').toString()))
      expect(read.payload).toEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()))
      expect(read.signature.byteLength).toBeGreaterThan(0)
    }),
    runs(4_000),
  )
})

test('no proof of DPoP but the one that was made is good', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const signer = await pair('k1')
  const iat = Math.floor(clock.date() / 1_000)
  const cnf = { jkt: await calculateJwkThumbprint(jwk) }
  const bound = await token(signer, issuer, { claims: { iat, exp: iat + 60, cnf } })
  const ath = createHash('sha256').update(bound).digest('base64url')
  const said = { jti: 'j1', htm: 'GET', htu: 'https://api.example.com/', iat, ath }
  const proof = await new SignJWT(said).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk }).sign(privateKey)
  // Each proof is the first: what is refused is refused for itself.
  const replays = { use: () => true }
  const trusted = { issuer, audience: 'api', algorithms: ['ES256'], keys: [signer.jwk], clock } as const
  const verifier = jwt(trusted, { dpop: { replays } })
  const ask = async (dpop: string): Promise<Verdict> => verifier.verify(contextOf({ authorization: `DPoP ${bound}`, dpop }))
  expect(await ask(proof)).toMatchObject({ kind: 'proved' })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(spoiled(proof, compactLetters), fc.string({ unit: fc.constantFrom(...compactLetters) })),
      async (text) => {
        expect(await ask(text)).toMatchObject({ kind: 'refused' })
      },
    ),
    runs(800),
  )
})

test('no field of a signature but those that were made lets another message pass', async () => {
  const now = Math.floor(clock.date() / 1_000)
  const lines: readonly Line[] = [
    ['"@method"', 'GET'],
    ['"@target-uri"', 'https://api.example.com/'],
    ['"x-a"', 'b'],
  ]
  const good: Readonly<Record<string, string>> = {
    ...signed(signers.ed25519, lines, `;created=${now};keyid="k1";nonce="n"`),
    'x-a': 'b',
  }
  const verifier = httpSignature({
    keys: { k1: signers.ed25519.known },
    components: ['@method', '@target-uri', 'x-a'],
    replays: memoryReplays({ clock }),
    clock,
  })
  const ask = async (headers: Record<string, string>, method = 'GET') => verifier.verify(contextOf(headers, { method }))
  const name = fc.constantFrom<'signature' | 'signature-input'>('signature', 'signature-input')
  const change = name.chain((field) => spoiled(good[field] ?? '', fieldLetters).map((text) => ({ ...good, [field]: text })))
  await fc.assert(
    fc.asyncProperty(change, async (headers) => {
      expect((await ask(headers, 'DELETE')).kind).not.toBe('proved')
      expect((await ask({ ...headers, 'x-a': 'c' })).kind).not.toBe('proved')
    }),
    runs(1_500),
  )
  expect(await ask(good)).toMatchObject({ kind: 'proved' })
  // What is spelled otherwise and says the same is the same signature, and its nonce is used.
  await fc.assert(
    fc.asyncProperty(change, async (headers) => {
      expect((await ask(headers)).kind).not.toBe('proved')
    }),
    runs(1_500),
  )
})

test('no cookie of a session but the one that was made is good', async () => {
  const sessions = session({ secrets: 'a secret of at least 32 characters', clock })
  const [pairOf = ''] = (await sessions.create({ subject: 'ada' })).split(';')
  const value = pairOf.slice('__Host-session='.length)
  const ask = async (text: string) => sessions.verify(contextOf({ cookie: `a=b; __Host-session=${text}; c=d` }))
  expect(await ask(value)).toMatchObject({ kind: 'proved' })
  await fc.assert(
    fc.asyncProperty(spoiled(value, compactLetters), async (text) => {
      expect((await ask(text)).kind).not.toBe('proved')
    }),
    runs(1_500),
  )
})
