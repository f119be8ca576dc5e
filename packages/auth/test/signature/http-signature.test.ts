import { createHash, generateKeyPairSync } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  auth,
  type HttpSignatureOptions,
  httpSignature,
  memoryReplays,
  type SignatureAlgorithm,
  type Verdict,
} from '@gatelet/auth'
import { bytesOf, chain, HeaderList, type IncomingRequest, PushSource, type Source } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextOf, hello, replyOf } from '../fakes.ts'
import { type Line, signed, signers } from './signer.ts'

const now = 1_700_000_000
const clock = virtualClock({ date: now * 1_000 })
const known = signers.ed25519
const keys = { k1: known.known }

const usual: readonly Line[] = [
  ['"@method"', 'GET'],
  ['"@authority"', 'api.example.com'],
  ['"@path"', '/'],
  ['"@query"', '?'],
]
const params = `;created=${now};keyid="k1"`

function verdictOn(
  headers: Record<string, string> | readonly (readonly [string, string])[],
  options: Partial<HttpSignatureOptions> = {},
  change: Partial<IncomingRequest> = {},
): Verdict | Promise<Verdict> {
  const ctx = contextOf({}, { headers: new HeaderList(headers as Record<string, string>), ...change })
  return httpSignature({ keys, clock, ...options }).verify(ctx)
}

describe('a signature', () => {
  test.each(Object.keys(signers) as SignatureAlgorithm[])('by %s says who it is, without waiting', (algorithm) => {
    const signer = signers[algorithm]
    const verdict = verdictOn(signed(signer, usual, params), { keys: { k1: { ...signer.known, subject: 'partner' } } })
    expect(verdict).toMatchObject({ kind: 'proved', principal: { subject: 'partner', scheme: 'signature' } })
  })

  test('of a key of no special name is that of a subject of its name', () => {
    expect(verdictOn(signed(known, usual, params))).toMatchObject({ principal: { subject: 'k1' } })
  })

  test('of a key that has ended is refused', () => {
    const ended = { k1: { ...known.known, expiresAt: now * 1_000 } }
    expect(verdictOn(signed(known, usual, params), { keys: ended })).toMatchObject({ status: 401, reason: 'expired-key' })
  })

  test('may come from a look-up that waits, and is not known where that says so', async () => {
    const lookedUp: HttpSignatureOptions['keys'] = async (keyid) => (keyid === 'k1' ? known.known : undefined)
    expect(await verdictOn(signed(known, usual, params), { keys: lookedUp })).toMatchObject({ kind: 'proved' })
    const stranger = signed(known, usual, `;created=${now};keyid="k2"`)
    expect(await verdictOn(stranger, { keys: lookedUp })).toMatchObject({ status: 401, reason: 'unknown-key' })
  })

  test('cannot be judged while the keys are away, or are none', async () => {
    const headers = signed(known, usual, params)
    const failing = () => {
      throw new Error('away')
    }
    const rejecting = () => Promise.reject(new Error('away'))
    for (const keys of [failing, rejecting])
      expect(await verdictOn(headers, { keys })).toMatchObject({ kind: 'unavailable', reason: 'no-store' })
    for (const key of [{ algorithm: 'ed25519', key: '' }, { algorithm: 'none', key: 'x' }, {}])
      expect(verdictOn(headers, { keys: () => key as never })).toMatchObject({ kind: 'unavailable', reason: 'bad-key' })
  })

  test('is over the request as it came, whatever layers have made of it', () => {
    const lines: Line[] = [...usual, ['"x-a"', 'as sent']]
    const ctx = contextOf({ ...signed(known, lines, params), 'x-a': 'as sent' })
    const changed = ctx.withRequest({
      method: 'PUT',
      url: { path: '/b', host: 'inner' },
      headers: new HeaderList({ 'x-a': 'b' }),
    })
    expect(httpSignature({ keys, clock }).verify(changed)).toMatchObject({ kind: 'proved' })
  })

  test('that covers the whole address will do for its parts', () => {
    const lines: Line[] = [
      ['"@method"', 'GET'],
      ['"@target-uri"', 'https://api.example.com/a%7eb?x=%2f'],
    ]
    expect(verdictOn(signed(known, lines, params), {}, { target: '/a%7eb?x=%2f' })).toMatchObject({ kind: 'proved' })
    const half: Line[] = [
      ['"@method"', 'GET'],
      ['"@request-target"', '/'],
    ]
    expect(verdictOn(signed(known, half, params))).toMatchObject({ reason: 'not-covered' })
  })

  test('is for the address that clients call, where that is another', () => {
    const lines = usual.map(([id, value]): Line => [id, id === '"@authority"' ? 'public.example.com:8443' : value])
    const headers = signed(known, lines, params)
    expect(verdictOn(headers, { origin: 'https://public.example.com:8443' })).toMatchObject({ kind: 'proved' })
    expect(verdictOn(headers)).toMatchObject({ reason: 'bad-signature' })
  })
})

// The examples of RFC 9421 §2.1 and §2.2.
describe('a component is written as it must be:', () => {
  const dict = 'a=1,    b=2;x=1;y=2,   c=(a   b   c), d'
  const query = '/p?param=value&foo=bar&baz=batman&qux='
  const encoded = '/p?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something'
  test.each<[string, Line, Partial<IncomingRequest>, (readonly [string, string])[]]>([
    ['a field', ['"host"', 'www.example.com'], {}, [['Host', 'www.example.com']]],
    [
      'a field with blanks around',
      ['"x-ows-header"', 'Leading and trailing whitespace.'],
      {},
      [['X-OWS-Header', '   Leading and trailing whitespace.\t  ']],
    ],
    [
      'a field of several lines',
      ['"cache-control"', 'max-age=60, must-revalidate'],
      {},
      [
        ['Cache-Control', 'max-age=60'],
        ['Cache-Control', '   must-revalidate'],
      ],
    ],
    ['an empty field', ['"x-empty-header"', ''], {}, [['X-Empty-Header', '']]],
    ['a field as it came', ['"example-dict"', dict], {}, [['Example-Dict', dict]]],
    ['a structured field', ['"example-dict";sf', 'a=1, b=2;x=1;y=2, c=(a b c), d'], {}, [['Example-Dict', dict]]],
    ['a member', ['"example-dict";key="a"', '1'], {}, [['Example-Dict', dict]]],
    ['a member that is true', ['"example-dict";key="d"', '?1'], {}, [['Example-Dict', dict]]],
    ['a member with parameters', ['"example-dict";key="b"', '2;x=1;y=2'], {}, [['Example-Dict', dict]]],
    ['a member that is a list', ['"example-dict";key="c"', '(a b c)'], {}, [['Example-Dict', dict]]],
    [
      'bytes',
      ['"example-header";bs', ':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:'],
      {},
      [
        ['Example-Header', 'value, with, lots'],
        ['Example-Header', 'of, commas'],
      ],
    ],
    [
      'cookies that HTTP/2 has split',
      ['"cookie"', 'a=1; b=2'],
      { protocol: '2' },
      [
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ],
    ],
    ['the scheme', ['"@scheme"', 'https'], {}, []],
    ['the target', ['"@request-target"', '/path?param=value'], { target: '/path?param=value' }, []],
    [
      'a target in absolute form',
      ['"@request-target"', 'https://www.example.com/path'],
      { target: 'https://www.example.com/path' },
      [],
    ],
    ['the query of none', ['"@query"', '?'], { target: '/path' }, []],
    ['an empty query', ['"@query"', '?'], { target: '/path?' }, []],
    ['the whole query', ['"@query"', '?queryString'], { target: '/path?queryString' }, []],
    ['a parameter', ['"@query-param";name="baz"', 'batman'], { target: query }, []],
    ['an empty parameter', ['"@query-param";name="qux"', ''], { target: query }, []],
    [
      'a parameter of many lines',
      ['"@query-param";name="var"', 'this%20is%20a%20big%0Amultiline%20value'],
      { target: encoded },
      [],
    ],
    ['a parameter with plus', ['"@query-param";name="bar"', 'with%20plus%20whitespace'], { target: encoded }, []],
    ['a name beyond ASCII', ['"@query-param";name="fa%C3%A7ade%22%3A%20"', 'something'], { target: encoded }, []],
  ])('%s', (_, line, change, headers) => {
    const fields = [...headers, ...Object.entries(signed(known, [line], params))]
    const options: Partial<HttpSignatureOptions> = { components: [line[0]], structured: { 'example-dict': 'dictionary' } }
    expect(verdictOn(fields, options, change)).toMatchObject({ kind: 'proved' })
  })

  test('the path alone, of both forms of a target', () => {
    for (const target of ['/a%2fb/../c?x', 'http://other/a%2fb/../c?x'])
      expect(verdictOn(signed(known, [['"@path"', '/a%2fb/../c']], params), { components: ['@path'] }, { target })).toMatchObject(
        {
          kind: 'proved',
        },
      )
    for (const target of ['http://other?x', '*'])
      expect(verdictOn(signed(known, [['"@path"', '/']], params), { components: ['@path'] }, { target })).toMatchObject({
        kind: 'proved',
      })
  })
})

describe('is refused:', () => {
  test.each<[string, readonly Line[], string, string, number]>([
    ['a component that is missing', [...usual, ['"x-a"', '']], params, 'missing-component', 401],
    ['a member that is missing', [...usual, ['"content-digest";key="x"', '1']], params, 'missing-component', 401],
    ['a structured field of no known type', [...usual, ['"accept";sf', '*/*']], params, 'missing-component', 401],
    ['a parameter that stands there twice', [...usual, ['"@query-param";name="a"', '1']], params, 'missing-component', 401],
    ['a parameter that is no UTF-8', [...usual, ['"@query-param";name="b"', '%EF%BF%BD']], params, 'missing-component', 401],
    ['a component twice', [...usual, ['"@path"', '/']], params, 'component-twice', 400],
    ['a field twice', [...usual, ['"accept"', '*/*'], ['"accept"', '*/*']], params, 'component-twice', 400],
    ['an unknown derived component', [...usual, ['"@unknown"', '']], params, 'unknown-component', 400],
    ['the status', [...usual, ['"@status"', '200']], params, 'unknown-component', 400],
    ['itself', [...usual, ['"@signature-params"', '']], params, 'unknown-component', 400],
    ['a trailer', [...usual, ['"accept";tr', '*/*']], params, 'unknown-component', 400],
    ['a part of a request to a response', [...usual, ['"accept";req', '*/*']], params, 'unknown-component', 400],
    ['a method of a request to a response', [...usual, ['"@method";req', 'GET']], params, 'unknown-component', 400],
    ['an unknown parameter of a component', [...usual, ['"accept";x', '*/*']], params, 'unknown-component', 400],
    ['bytes of a member', [...usual, ['"accept";bs;key="a"', '']], params, 'unknown-component', 400],
    ['a member without a name', [...usual, ['"accept";key', '']], params, 'unknown-component', 400],
    ['bytes that are not', [...usual, ['"accept";bs=?0', '']], params, 'unknown-component', 400],
    ['a query parameter without a name', [...usual, ['"@query-param"', '']], params, 'unknown-component', 400],
    ['a name in capitals', [...usual, ['"Accept"', '*/*']], params, 'unknown-component', 400],
    ['a name that is none', [...usual, ['"a b"', '*/*']], params, 'unknown-component', 400],
    ['a name that is a token', [...usual, ['accept', '*/*']], params, 'unknown-component', 400],
    ['an unknown parameter', usual, `${params};x=1`, 'unknown-parameter', 400],
    ['no date', usual, ';keyid="k1"', 'no-date', 400],
    ['a date that is a text', usual, `;created="${now}";keyid="k1"`, 'no-date', 400],
    ['a date with a fraction', usual, `;created=${now}.5;keyid="k1"`, 'no-date', 400],
    ['an end that is a text', usual, `${params};expires="x"`, 'malformed', 400],
    ['a key id that is a number', usual, `;created=${now};keyid=1`, 'malformed', 400],
    ['an empty key id', usual, `;created=${now};keyid=""`, 'malformed', 400],
    ['no key id', usual, `;created=${now}`, 'no-key-id', 400],
    ['a nonce that is too long', usual, `${params};nonce="${'n'.repeat(513)}"`, 'malformed', 400],
    ['a date in the future', usual, `;created=${now + 6};keyid="k1"`, 'from-the-future', 401],
    ['a date long ago', usual, `;created=${now - 306};keyid="k1"`, 'too-old', 401],
    ['one that has ended', usual, `${params};expires=${now - 5}`, 'expired', 401],
    ['another algorithm than that of the key', usual, `${params};alg="hmac-sha256"`, 'wrong-algorithm', 401],
    ['no algorithm', usual, `${params};alg="none"`, 'wrong-algorithm', 401],
    ['another key', usual, `;created=${now};keyid="__proto__"`, 'unknown-key', 401],
    ['too little', usual.slice(1), params, 'not-covered', 401],
    ['nothing', [], params, 'not-covered', 401],
    ['another path', usual.map(([id, value]): Line => [id, value === '/' ? '/b' : value]), params, 'bad-signature', 401],
  ])('%s', (_, lines, signedParams, reason, status) => {
    const headers = { accept: '*/*', 'content-digest': 'y=1', ...signed(known, lines, signedParams) }
    const { target } = { target: reason === 'missing-component' ? '/?a=1&a=2&b=%ff' : '/' }
    const own = lines.map(([id, value]): Line => [id, id === '"@query"' && target !== '/' ? '?a=1&a=2&b=%ff' : value])
    const fields = { ...headers, ...signed(known, own, signedParams) }
    expect(verdictOn(fields, {}, { target })).toEqual({ kind: 'refused', status, reason })
  })

  test.each<[string, Record<string, string>, string]>([
    ['no signature', { 'signature-input': 'sig1=();created=1' }, 'half-a-signature'],
    ['no input', { signature: 'sig1=:AA==:' }, 'half-a-signature'],
    ['stray bits', { ...signed(known, usual, params), signature: 'sig1=:AB==:' }, 'malformed'],
    ['another label', { ...signed(known, usual, params), signature: 'sig2=:AA==:' }, 'half-a-signature'],
    ['a signature that is a text', { ...signed(known, usual, params), signature: 'sig1="AA=="' }, 'half-a-signature'],
    ['an input that is no dictionary', { 'signature-input': 'sig1=(', signature: 'sig1=:AA==:' }, 'malformed'],
    ['an input that is no list', { 'signature-input': 'sig1="@method"', signature: 'sig1=:AA==:' }, 'malformed'],
    ['too much', { 'signature-input': `sig1=("${'a'.repeat(9_000)}")`, signature: 'sig1=:AA==:' }, 'too-long'],
    ['too many components', { 'signature-input': `sig1=(${'"a" '.repeat(65)})`, signature: 'sig1=:AA==:' }, 'malformed'],
  ])('%s', (_, headers, reason) => {
    expect(verdictOn(headers)).toEqual({ kind: 'refused', status: 400, reason })
  })

  test('a key of another kind than its algorithm, and one that is too weak, when the program starts', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey
    const { privateKey } = generateKeyPairSync('ed25519')
    const p256 = signers['ecdsa-p256-sha256'].known.key
    for (const [algorithm, key] of [
      ['rsa-pss-sha512', weak],
      ['rsa-v1_5-sha256', p256],
      ['ecdsa-p384-sha384', p256],
      ['ed25519', p256],
      ['ed25519', privateKey],
      ['hmac-sha256', Buffer.alloc(31)],
      ['hmac-sha256', 'a text of more than thirty-two characters'],
      ['hmac-sha256', p256],
      ['ed25519', Buffer.alloc(32)],
    ] as const)
      expect(() => httpSignature({ keys: { k1: { algorithm, key } } })).toThrow(/keys\.k1\.key must be a key for/)
  })

  test('an ECDSA signature in the other encoding', () => {
    const signer = signers['ecdsa-p256-sha256']
    const { signature, ...input } = signed(signer, usual, params)
    const raw = Buffer.from((signature as string).slice(6, -1), 'base64')
    const number = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes])
    const der = Buffer.concat([Buffer.from([0x30, 70]), number(raw.subarray(0, 32)), number(raw.subarray(32))])
    const fields = { ...input, signature: `sig1=:${der.toString('base64')}:` }
    expect(verdictOn(fields, { keys: { k1: signer.known } })).toMatchObject({ reason: 'bad-signature' })
  })
})

test('what is given for keys and is none is not shown', () => {
  const given = 'a secret of at least 32 characters'
  for (const keys of [given, { k1: { algorithm: 'hmac-sha256', key: given } }])
    expect(() => httpSignature({ keys: keys as never })).toThrow(/keys.* must be .* \(got "string"\)/)
})

test('names of structured fields are in small letters', () => {
  expect(() => httpSignature({ keys, structured: { 'X-A': 'item' } })).toThrow(/structured must be .* small letters/)
})

describe('of several signatures', () => {
  const one = signed(known, usual, `${params};tag="app"`, 'one')
  const two = signed(known, usual, `${params};tag="other"`, 'two')
  const both = {
    'signature-input': `${one['signature-input']}, ${two['signature-input']}`,
    signature: `${one['signature']}, ${two['signature']}`,
  }

  test('the label or the tag says which one counts', () => {
    expect(verdictOn(both)).toMatchObject({ status: 400, reason: 'several-signatures' })
    expect(verdictOn(both, { label: 'two' })).toMatchObject({ kind: 'proved' })
    expect(verdictOn(both, { tag: 'app' })).toMatchObject({ kind: 'proved' })
    expect(verdictOn(both, { tag: 'app', label: 'two' })).toEqual({ kind: 'absent' })
  })

  test('one of another label or tag is none of ours', () => {
    expect(verdictOn(one, { label: 'two' })).toEqual({ kind: 'absent' })
    expect(verdictOn(one, { tag: 'other' })).toEqual({ kind: 'absent' })
    expect(verdictOn({})).toEqual({ kind: 'absent' })
  })
})

describe('a nonce', () => {
  const nonced = signed(known, usual, `${params};nonce="n1"`)

  test('holds once', async () => {
    const replays = memoryReplays({ clock })
    expect(await verdictOn(nonced, { replays })).toMatchObject({ kind: 'proved' })
    expect(await verdictOn(nonced, { replays })).toMatchObject({ status: 401, reason: 'replayed' })
    const { signature: _, ...input } = signed(known, usual, `${params};nonce="n2"`)
    expect(await verdictOn({ ...input, signature: nonced['signature'] as string }, { replays })).toMatchObject({
      reason: 'bad-signature',
    })
    expect(await verdictOn(signed(known, usual, `${params};nonce="n2"`), { replays })).toMatchObject({ kind: 'proved' })
  })

  test('does not hold when the signature has ended while the body came', async () => {
    const late = virtualClock({ date: now * 1_000 })
    const arrives = async () => {
      await late.advance(3_600_000)
      source.push(Buffer.from('{}'))
      source.end()
    }
    const source = new PushSource({ start: () => void arrives(), pause() {}, resume() {}, cancel() {} })
    source.length = 2
    const digest = `sha-256=:${createHash('sha256').update('{}').digest('base64')}:`
    const lines: Line[] = [['"@method"', 'POST'], ...usual.slice(1), ['"content-digest"', digest]]
    const headers = { ...signed(known, lines, `${params};nonce="n"`), 'content-digest': digest }
    const asked = verdictOn(headers, { clock: late, replays: { use: () => true } }, { method: 'POST', body: source })
    expect(await asked).toMatchObject({ status: 401, reason: 'too-old' })
  })

  test('must be there where they are remembered', () => {
    expect(verdictOn(signed(known, usual, params), { replays: memoryReplays() })).toMatchObject({ reason: 'no-nonce' })
  })

  test('cannot be judged where nobody remembers', async () => {
    const failing = {
      use(): boolean {
        throw new Error('away')
      },
    }
    const rejecting = { use: () => Promise.reject(new Error('away')) }
    for (const replays of [failing, rejecting])
      expect(await verdictOn(nonced, { replays })).toMatchObject({ kind: 'unavailable', reason: 'no-store' })
  })
})

describe('a body', () => {
  const text = '{"hello": "world"}'
  const digestOf = (body: string | Buffer, hash: 'sha-256' | 'sha-512' = 'sha-256') =>
    `${hash}=:${createHash(hash.replace('-', '')).update(body).digest('base64')}:`
  const post = (digest: string | undefined, id = '"content-digest"', value = digest) => {
    const lines: Line[] = [['"@method"', 'POST'], ...usual.slice(1), ...(value === undefined ? [] : [[id, value] as const])]
    return { ...signed(known, lines, params), ...(digest === undefined ? {} : { 'content-digest': digest }) }
  }
  const sent = (body: IncomingRequest['body']): Partial<IncomingRequest> => ({ method: 'POST', body })
  const pushed = (chunks: readonly (string | Buffer)[], length?: number): Source => {
    const source = new PushSource({ start: () => void queueMicrotask(push), pause() {}, resume() {}, cancel() {} })
    const push = () => {
      for (const chunk of chunks) source.push(Buffer.from(chunk))
      source.end()
    }
    source.length = length
    return source
  }

  test.each(['sha-256', 'sha-512'] as const)('is the right one by %s', async (hash) => {
    const headers = post(digestOf(text, hash))
    for (const body of [text, Buffer.from(text)]) expect(verdictOn(headers, {}, sent(body))).toMatchObject({ kind: 'proved' })
    const verdict = await verdictOn(headers, {}, sent(pushed([text], text.length)))
    expect(verdict).toMatchObject({ kind: 'proved', body: Buffer.from(text) })
  })

  test.each<[string, string | undefined, string, number]>([
    ['is not covered', undefined, 'body-not-covered', 401],
    ['is another one', digestOf('{}'), 'wrong-body', 400],
    ['is another one by one of two', `${digestOf(text)}, ${digestOf('{}', 'sha-512')}`, 'wrong-body', 400],
    ['has a digest of no known kind', 'md5=:AAAA:', 'bad-digest', 400],
    ['has a digest that is too short', 'sha-256=:AAAA:', 'bad-digest', 400],
    ['has a digest that is a text', 'sha-256="AAAA"', 'bad-digest', 400],
    ['has a digest that is none', 'sha-256=:', 'bad-digest', 400],
  ])('that %s is refused', async (_, digest, reason, status) => {
    for (const body of [text, pushed([text], text.length)])
      expect(await verdictOn(post(digest), {}, sent(body))).toEqual({ kind: 'refused', status, reason })
  })

  test('that is not covered passes where that is allowed', () => {
    expect(verdictOn(post(undefined), { digest: 'if-covered' }, sent(text))).toMatchObject({ kind: 'proved' })
  })

  test('of which one digest is covered is checked by that one', async () => {
    const digest = digestOf(text)
    const member = digest.slice('sha-256='.length)
    const headers = post(`${digest}, ${digestOf('{}', 'sha-512')}`, '"content-digest";key="sha-256"', member)
    expect(await verdictOn(headers, {}, sent(text))).toMatchObject({ kind: 'proved' })
    expect(await verdictOn(headers, {}, sent('{}'))).toMatchObject({ reason: 'wrong-body' })
  })

  test('that is missing is not the one that was signed', () => {
    expect(verdictOn(post(digestOf(text)), {}, sent(null))).toMatchObject({ reason: 'wrong-body' })
    expect(verdictOn(post(digestOf('')), {}, sent(null))).toMatchObject({ kind: 'proved' })
  })

  test('that fails on its way cannot be judged', async () => {
    const failing = new PushSource({ start: () => failing.fail(new Error('gone')), pause() {}, resume() {}, cancel() {} })
    failing.length = 10
    expect(await verdictOn(post(digestOf(text)), {}, sent(failing))).toMatchObject({
      kind: 'unavailable',
      reason: 'unreadable-body',
    })
  })

  test('that a framework has parsed cannot be judged', () => {
    const headers = post(digestOf(text))
    const parsed = contextOf({}, { method: 'POST', headers: new HeaderList(headers) })
    const request = Object.defineProperty({ ...parsed.request }, 'body', {
      get() {
        throw new Error('parsed')
      },
    })
    const verdict = httpSignature({ keys, clock }).verify({ ...parsed, request } as never)
    expect(verdict).toMatchObject({ kind: 'unavailable', reason: 'unreadable-body' })
  })

  test('of unknown or great length is checked while it streams; the end of a wrong one does not come', async () => {
    const chunks = ['one ', 'two ', 'three']
    const whole = chunks.join('')
    for (const body of [pushed(chunks), Readable.from(chunks.map((chunk) => Buffer.from(chunk))), pushed(chunks, 1_000_000)]) {
      const verdict = await verdictOn(post(digestOf(whole)), {}, sent(body))
      const { body: checked = null } = verdict as { body?: Source }
      expect((await bytesOf(checked, 1_000_000)).toString()).toBe(whole)
    }
    const { body: wrong } = (await verdictOn(post(digestOf('one two four')), {}, sent(pushed(chunks)))) as { body: Source }
    const got: string[] = []
    const error = await new Promise<Error>((resolve) => {
      wrong.pipeTo({ write: (chunk) => got.push(String(chunk)) > 0, end: () => resolve(new Error('ended')), fail: resolve })
    })
    expect(error).toMatchObject({ code: 'BAD_CREDENTIALS', status: 400 })
    expect(got).toEqual(['one ', 'two '])
  })

  test('does not use up the nonce of the right one', async () => {
    const replays = memoryReplays({ clock })
    const lines: Line[] = [['"@method"', 'POST'], ...usual.slice(1), ['"content-digest"', digestOf(text)]]
    const headers = { ...signed(known, lines, `${params};nonce="n"`), 'content-digest': digestOf(text) }
    expect(await verdictOn(headers, { replays }, sent(pushed(['{}'], 2)))).toMatchObject({ reason: 'wrong-body' })
    expect(await verdictOn(headers, { replays }, sent(pushed([text], text.length)))).toMatchObject({ kind: 'proved' })
    expect(await verdictOn(headers, { replays }, sent(text))).toMatchObject({ reason: 'replayed' })
  })

  test('goes on to the handler', async () => {
    const handler = chain()
      .use(auth(httpSignature({ keys, clock })))
      .to(async (ctx) => ({ status: 200, headers: new HeaderList(), body: await bytesOf(ctx.request.body, 100) }))
    const ctx = contextOf({}, { headers: new HeaderList(post(digestOf(text))), ...sent(pushed([text], text.length)) })
    expect(String((await replyOf(handler, ctx)).body)).toBe(text)
  })
})

test('who sends none is told what to sign', async () => {
  const reply = await replyOf(
    chain()
      .use(auth(httpSignature({ keys, tag: 'app' })))
      .to(hello),
  )
  expect(reply.headers.get('www-authenticate')).toBe(
    String.raw`Signature realm="api", components="\"@method\" \"@authority\" \"@path\" \"@query\"", tag="app"`,
  )
})

const seeded = { seed: 9_421, numRuns: 500 }

test('never throws, and takes nothing, whatever the fields say', () => {
  const pieces = [
    'sig1',
    '=',
    '(',
    ')',
    '"@method"',
    '"x"',
    ';',
    'created',
    'keyid="k1"',
    ':AA==:',
    ',',
    ' ',
    '1700000000',
    '?1',
    '"',
    '\\',
  ]
  const field = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join('')),
  )
  const noise = field.map((text) => text.replace(/[^\x20-\x7e]/g, ''))
  fc.assert(
    fc.property(noise, noise, (input, signature) => {
      const { kind } = verdictOn({ 'signature-input': input, signature }) as Verdict
      return kind === 'refused' || kind === 'absent'
    }),
    seeded,
  )
})

test('never takes a message of which one character is another', () => {
  const lines: Line[] = [
    ['"@method"', 'POST'],
    ['"@target-uri"', 'https://api.example.com/a/b?c=d&e=f'],
    ['"x-a"', 'some value'],
    ['"@query-param";name="c"', 'd'],
    ['"content-digest"', 'sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:'],
  ]
  const headers: Record<string, string> = {
    ...signed(known, lines, `${params};nonce="abc"`),
    'x-a': 'some value',
    'content-digest': lines[4]?.[1] ?? '',
  }
  const parts = { method: 'POST', target: '/a/b?c=d&e=f', body: 'hello', ...headers }
  const verdictOf = ({ method, target, body, ...fields }: typeof parts) => verdictOn(fields, {}, { method, target, body })
  expect(verdictOf(parts)).toMatchObject({ kind: 'proved' })
  const changed = fc
    .tuple(fc.constantFrom(...Object.keys(parts)), fc.nat(), fc.integer({ min: 0x21, max: 0x7e }))
    .map(([name, at, code]) => {
      const text = parts[name as keyof typeof parts]
      const spot = at % text.length
      return { name, text, next: text.slice(0, spot) + String.fromCharCode(code) + text.slice(spot + 1) }
    })
    .filter(({ text, next }) => next !== text)
  fc.assert(
    fc.property(changed, ({ name, next }) => (verdictOf({ ...parts, [name]: next }) as Verdict).kind !== 'proved'),
    { ...seeded, numRuns: 2_000 },
  )
})
