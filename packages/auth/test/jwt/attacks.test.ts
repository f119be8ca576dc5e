import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type JwtOptions, jwt, type Verdict } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import { CompactEncrypt, type CryptoKey, exportSPKI, importJWK, SignJWT } from 'jose'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { contextOf } from '../fakes.ts'
import { pair, token } from '../issuer.ts'

const issuer = 'https://id.example.com/'
const [ec, rsa, eve] = await Promise.all([pair('ec'), pair('rsa', 'RS256'), pair('eve')])
const pem = await exportSPKI((await importJWK({ ...rsa.jwk, ext: true }, 'RS256')) as CryptoKey)
const options: JwtOptions = { issuer, audience: 'api', algorithms: ['ES256', 'RS256'], keys: [ec.jwk, rsa.jwk] }
const verify = async (text: string, more: Partial<JwtOptions> = {}): Promise<Verdict> =>
  jwt({ ...options, ...more }).verify(contextOf({ authorization: `Bearer ${text}` }))
const encoded = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const seconds = () => Math.floor(Date.now() / 1_000)
const claims = () => ({ iss: issuer, aud: 'api', sub: 'eve', exp: seconds() + 60 })
const unsigned = (header: object | string, signature = 'AAAA') => `${encoded(header)}.${encoded(claims())}.${signature}`
const refused = (reason: string) => ({ kind: 'refused', status: 401, reason })

/** Whether anything was computed: a token that is refused for its looks must cost nothing. */
function watched() {
  const { subtle } = globalThis.crypto
  return [vi.spyOn(subtle, 'verify'), vi.spyOn(subtle, 'decrypt'), vi.spyOn(subtle, 'deriveBits'), vi.spyOn(subtle, 'importKey')]
}

describe('signed by nobody', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', ' none', 'none ', 'none\u0000', 'nоne', '', 'HS256\u0000', 'es256', 'ES256 '])(
    'alg %j',
    async (alg) => {
      expect(await verify(unsigned({ alg, kid: 'ec' }))).toMatchObject(refused('wrong-algorithm'))
      expect(await verify(unsigned({ alg, kid: 'ec' }, ''))).toMatchObject(refused('malformed'))
    },
  )

  test.each([null, 0, true, ['none'], ['ES256'], { alg: 'none' }, [['ES256']]])('alg as %j', async (alg) => {
    expect(await verify(unsigned({ alg, kid: 'ec' }))).toMatchObject(refused('wrong-algorithm'))
  })

  test('alg twice, once as it should be', async () => {
    for (const header of ['{"alg":"ES256","alg":"none"}', '{"alg":"none","alg":"ES256"}', '{"alg":"none","\\u0061lg":"ES256"}']) {
      expect(await verify(unsigned(header))).toMatchObject(refused('malformed'))
    }
  })

  test('alg by way of the prototype', async () => {
    expect(await verify(unsigned('{"__proto__":{"alg":"ES256"}}'))).toMatchObject(refused('wrong-algorithm'))
    const payload = encoded(`{"__proto__":${JSON.stringify(claims())}}`)
    expect(await verify(`${encoded({ alg: 'ES256' })}.${payload}.AAAA`)).toMatchObject(refused('wrong-issuer'))
  })
})

describe('signed with what everybody knows', () => {
  const secrets: readonly (readonly [string, Uint8Array])[] = [
    ['as PEM', Buffer.from(pem)],
    ['as PEM without its last line end', Buffer.from(pem.trimEnd())],
    ['as DER', Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')],
    ['as JSON', Buffer.from(JSON.stringify(rsa.jwk))],
    ['as its modulus', Buffer.from(rsa.jwk.n as string, 'base64url')],
    ['as its modulus in base64url', Buffer.from(rsa.jwk.n as string)],
    ['empty', Buffer.alloc(64)],
  ]

  test.each(secrets)('the public key as a secret, %s', async (_, secret) => {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const forged = await new SignJWT(claims()).setProtectedHeader({ alg, kid: 'rsa' }).sign(secret)
      expect(await verify(forged)).toMatchObject(refused('wrong-algorithm'))
    }
  })

  test('the secret of one issuer does not sign for another that signs with keys', async () => {
    const secret = new Uint8Array(32).fill(7)
    const own: JwtOptions = { issuer: 'https://own.example.com/', audience: 'api', algorithms: ['HS256'], keys: secret }
    const verifier = jwt([options, own])
    const ask = async (iss: string) => {
      const signed = await new SignJWT({ ...claims(), iss }).setProtectedHeader({ alg: 'HS256' }).sign(secret)
      return verifier.verify(contextOf({ authorization: `Bearer ${signed}` }))
    }
    expect(await ask(own.issuer)).toMatchObject({ kind: 'proved' })
    expect(await ask(issuer)).toMatchObject(refused('wrong-algorithm'))
  })
})

describe('a key that the token brings along', () => {
  test('is not used, and nobody asks for one', async () => {
    let asked = 0
    const server = createServer((_, res) => {
      asked++
      res.end(JSON.stringify({ keys: [eve.jwk] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const fetched = vi.spyOn(globalThis, 'fetch')
    for (const kid of [undefined, 'ec', 'eve']) {
      const header = { kid, jwk: eve.jwk, jku: url, x5u: url, x5c: ['MIIB'], x5t: 'x', 'x5t#S256': 'x' }
      const reason = kid === 'eve' ? 'unknown-key' : 'bad-signature'
      expect(await verify(await token(eve, issuer, { header }))).toMatchObject(refused(reason))
    }
    expect([asked, fetched.mock.calls.length]).toEqual([0, 0])
  })
})

describe('extensions', () => {
  test.each<[unknown, object?]>([
    [['exp'], { exp: 1 }],
    [['b64'], { b64: true }],
    [['b64'], { b64: false }],
    [['exp', 'exp'], { exp: 1 }],
    [['alg']],
    [['missing']],
    [[]],
    [[7]],
    ['exp', { exp: 1 }],
    [{}],
    [null],
    [false],
  ])('crit %j is refused', async (crit, more = {}) => {
    expect(await verify(unsigned({ alg: 'ES256', kid: 'ec', crit, ...more }))).toMatchObject(refused('unknown-extension'))
  })

  test.each([true, false, null, 'false'])('b64 %j without crit is refused', async (b64) => {
    expect(await verify(unsigned({ alg: 'ES256', kid: 'ec', b64 }))).toMatchObject(refused('unknown-extension'))
  })
})

describe('the name of a key', () => {
  const names = [
    '../../../dev/null',
    "' OR 1=1 --",
    '',
    '__proto__',
    'constructor',
    'toString',
    'ec\u0000',
    'EC',
    ' ec',
    '%65c',
    '$(id)',
  ]
  test.each(names)('%j is only a name that nobody has', async (kid) => {
    expect(await verify(await token(eve, issuer, { header: { kid } }))).toMatchObject(refused('unknown-key'))
  })

  test.each([null, 7, ['ec'], { kid: 'ec' }, true])('%j is none', async (kid) => {
    expect(await verify(unsigned({ alg: 'ES256', kid }))).toMatchObject(refused('bad-key-id'))
  })

  test('of a megabyte is not read', async () => {
    expect(await verify(unsigned({ alg: 'ES256', kid: 'k'.repeat(1_000_000) }))).toMatchObject(refused('malformed'))
  })
})

describe('encrypted tokens are refused unread', () => {
  const cases: Readonly<Record<string, Record<string, unknown>>> = {
    'a password with a thousand million rounds': {
      alg: 'PBES2-HS256+A128KW',
      enc: 'A128GCM',
      p2c: 1e9,
      p2s: 'AAAAAAAAAAAAAAAAAAAAAA',
    },
    'compressed content': { alg: 'dir', enc: 'A128GCM', zip: 'DEF' },
    'a wrapped key': { alg: 'RSA-OAEP', enc: 'A128GCM' },
    'a key agreement': { alg: 'ECDH-ES', enc: 'A128GCM', epk: eve.jwk },
  }

  test.each(Object.entries(cases))('%s', async (_, header) => {
    const spies = watched()
    expect(await verify(`${encoded(header)}.AAAA.AAAA.AAAA.AAAA`)).toMatchObject(refused('malformed'))
    expect(await verify(unsigned(header))).toMatchObject(refused('wrong-algorithm'))
    for (const spy of spies) expect(spy).not.toHaveBeenCalled()
  })

  test('also one that is encrypted with the secret, properly', async () => {
    const secret = new Uint8Array(32).fill(7)
    const text = await new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(secret)
    expect(await verify(text, { algorithms: ['HS256'], keys: secret })).toMatchObject(refused('malformed'))
  })

  test('content that is packed in a signed token is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000)).toString('base64url')
    expect(await verify(`${encoded({ alg: 'ES256', kid: 'ec', zip: 'GZIP' })}.${bomb}.AAAA`)).toMatchObject(refused('malformed'))
  })
})

describe('size and shape', () => {
  test.each<[string, () => string]>([
    ['100 kB', () => unsigned({ alg: 'ES256' }, 'A'.repeat(100_000))],
    ['a million dots', () => `a${'.'.repeat(1_000_000)}`],
    [
      'objects 10,000 deep',
      () => `${encoded({ alg: 'ES256' })}.${encoded(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)}.AAAA`,
    ],
    ['lists 10,000 deep', () => `${encoded({ alg: 'ES256' })}.${encoded('['.repeat(10_000))}.AAAA`],
    ['a deep header', () => unsigned(`{"alg":"ES256","a":${'['.repeat(33)}${']'.repeat(33)}}`)],
    ['a header of 5 kB', () => unsigned({ alg: 'ES256', a: 'x'.repeat(5_000) })],
    ['two objects', () => `${encoded({ alg: 'ES256' })}.${encoded('{}{}')}.AAAA`],
    ['a comment', () => `${encoded('{/**/"alg":"ES256"}')}.${encoded(claims())}.AAAA`],
    ['single quotes', () => `${encoded("{'alg':'ES256'}")}.${encoded(claims())}.AAAA`],
    ['a number for a payload', () => `${encoded({ alg: 'ES256' })}.${encoded('7')}.AAAA`],
    ['null for a header', () => `${encoded('null')}.${encoded(claims())}.AAAA`],
    ['two parts', () => `${encoded({ alg: 'ES256' })}.${encoded(claims())}`],
    ['no header', () => `.${encoded(claims())}.AAAA`],
    ['no payload', () => `${encoded({ alg: 'ES256' })}..AAAA`],
    ['a signature whose length cannot be', () => unsigned({ alg: 'ES256' }, 'AAAAA')],
    ['a signature with stray bits', () => unsigned({ alg: 'ES256' }, 'AB')],
    ['a header with stray bits', () => `${encoded('{"alg":"ES256" }').replace(/.$/, nextLetter)}.${encoded(claims())}.AAAA`],
  ])('%s: refused before anything is computed', async (_, make) => {
    const spies = watched()
    expect(await verify(make())).toMatchObject(refused('malformed'))
    for (const spy of spies) expect(spy).not.toHaveBeenCalled()
  })

  test('the JSON forms of a signed token are no credential', async () => {
    const [protectedHeader, payload, signature] = (await token(ec, issuer)).split('.')
    const form = JSON.stringify({ payload, protected: protectedHeader, signature })
    expect(await verify(form)).toMatchObject({ kind: 'refused', status: 400 })
    expect(await verify(encoded(form))).toMatchObject(refused('malformed'))
  })
})

describe('dates at their edges', () => {
  const at = 1_800_000_000
  const judge = async (more: object, atMs: number) => {
    const clock = virtualClock({ date: atMs })
    const signed = await token(ec, issuer, { claims: { iat: undefined, exp: at + 100_000, ...more } })
    return (await verify(signed, { clock, toleranceMs: 5_000 })).kind
  }

  test.each<[object, number, 'proved' | 'refused']>([
    [{ exp: at }, at * 1_000 + 4_999, 'proved'],
    [{ exp: at }, at * 1_000 + 5_000, 'refused'],
    [{ exp: at + 0.5 }, at * 1_000 + 5_499, 'proved'],
    [{ exp: at + 0.5 }, at * 1_000 + 5_500, 'refused'],
    [{ nbf: at }, at * 1_000 - 5_000, 'proved'],
    [{ nbf: at }, at * 1_000 - 5_001, 'refused'],
    [{ iat: at }, at * 1_000 - 5_000, 'proved'],
    [{ iat: at }, at * 1_000 - 5_001, 'refused'],
  ])('%j at %i: %s', async (more, atMs, kind) => {
    expect(await judge(more, atMs)).toBe(kind)
  })

  test.each(['exp', 'nbf', 'iat'])('%s that is no date at all', async (name) => {
    for (const value of [null, '1800000000', [at], {}, true, -1, 1e300, 8_640_000_000_001]) {
      expect(await judge({ [name]: value }, at * 1_000), JSON.stringify(value)).toBe('refused')
    }
  })
})

test.each([
  {},
  [],
  [['api']],
  [null],
  null,
  7,
  true,
  'API',
  'api ',
  ' api',
  'api,x',
  'api x',
  'x api',
  ['api', {}],
  { 0: 'api' },
])('the audience %j is not this one', async (aud) => {
  expect(await verify(await token(ec, issuer, { claims: { aud } }))).toMatchObject(refused('wrong-audience'))
})

test('two tokens that begin or end alike are two tokens, also where the first is remembered', async () => {
  const verifier = jwt(options)
  const ask = (text: string) => verifier.verify(contextOf({ authorization: `Bearer ${text}` }))
  const good = await token(ec, issuer)
  expect(await ask(good)).toMatchObject({ kind: 'proved' })
  const [head, payload, signature = ''] = good.split('.')
  for (const at of [0, 63]) {
    const other = Buffer.from(signature, 'base64url')
    other[at] = (other[at] as number) ^ 1
    expect(await ask(`${head}.${payload}.${other.toString('base64url')}`)).toMatchObject(refused('bad-signature'))
  }
  const others = [
    { ...claims(), sub: 'root' },
    { ...JSON.parse(Buffer.from(payload as string, 'base64url').toString()), sub: 'eve' },
  ]
  for (const claimed of others)
    expect(await ask(`${head}.${encoded(claimed)}.${signature}`)).toMatchObject(refused('bad-signature'))
  expect(ask(good)).toMatchObject({ kind: 'proved' })
})

test('a token in the query or in a form is none', async () => {
  const good = await token(ec, issuer)
  const url = { scheme: 'https', host: 'api.example.com', port: undefined, path: '/', search: `?access_token=${good}` } as const
  const ctx = contextOf(
    { 'content-type': 'application/x-www-form-urlencoded' },
    { url, method: 'POST', body: `access_token=${good}` },
  )
  expect(await jwt(options).verify(ctx)).toEqual({ kind: 'absent' })
})

function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(letter) ^ 1] as string
}
