import type { KeyObject } from 'node:crypto'
import { type HttpSignatureOptions, httpSignature, type SignatureKey, type Verdict } from '@gatelet/auth'
import { type Context, HeaderList } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { signatureBase } from '../../src/signature/base.ts'
import { claimedSignature, type SignatureClaim } from '../../src/signature/claim.ts'
import { isSignedBy, verifyingKey } from '../../src/signature/signature-key.ts'
import { contextOf } from '../fakes.ts'
import { created, examples, keys, proxyRequest, testRequest, transformed } from './rfc9421.ts'

interface Asked {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[]
  readonly body?: string
}

function asked({ method, target, host, headers, body }: Asked, more: Readonly<Record<string, string>> = {}): Context {
  const [path = '', query] = target.split('?')
  const fields = new HeaderList(headers as Record<string, string>)
  for (const [name, value] of Object.entries(more)) fields.set(name, value)
  return contextOf(
    {},
    {
      method,
      target,
      url: { scheme: 'https', host, port: undefined, path, search: query === undefined ? '' : `?${query}` },
      headers: fields,
      body: body ?? null,
    },
  )
}

const clock = virtualClock({ date: created * 1_000 })

const verdictOn = (ctx: Context, components: readonly string[], more: Partial<HttpSignatureOptions> = {}) =>
  httpSignature({ keys, components, digest: 'if-covered', clock, ...more }).verify(ctx) as Promise<Verdict> | Verdict

describe.each(examples)('appendix $name', ({ input, signature }) => {
  const fields = { 'signature-input': input, signature }

  test('is what the key has signed', () => {
    const { request } = asked(testRequest, fields)
    const claim = claimedSignature(request.headers, { label: undefined, tag: undefined }) as SignatureClaim
    const base = signatureBase(request, claim, { origin: undefined, structured: {} }) as Buffer
    const known = keys[claim.keyid] as SignatureKey
    const isRight = () => isSignedBy(verifyingKey(known) as KeyObject, known.algorithm, base, claim.signature)
    expect(isRight()).toBe(true)
    base[base.length - 1] = 0x27
    expect(isRight()).toBe(false)
  })

  test('is refused where it does not cover what is asked for', async () => {
    expect(await verdictOn(asked(testRequest, fields), ['"@query-param";name="param"', 'cookie'])).toMatchObject({
      kind: 'refused',
      reason: 'not-covered',
    })
  })
})

describe.each(examples.filter(({ covered }) => covered.length > 0))('appendix $name', ({ covered, input, signature }) => {
  const fields = { 'signature-input': input, signature }

  test('is taken where it covers what is asked for', async () => {
    expect(await verdictOn(asked(testRequest, fields), covered)).toMatchObject({
      kind: 'proved',
      principal: { scheme: 'signature' },
    })
  })

  test('is refused where a part that it covers is another', async () => {
    const changes: Record<string, Partial<Asked>> = {
      '@method': { method: 'PUT' },
      '@authority': { host: 'example.org' },
      '@path': { target: '/fo?param=Value&Pet=dog' },
      '@query': { target: '/foo?param=Value&Pet=cat' },
      '"@query-param";name="Pet"': { target: '/foo?param=Value&Pet=cat' },
    }
    for (const name of covered) {
      const change = changes[name] ?? { headers: { ...testRequest.headers, [name]: 'sha-512=:AAAA:' } }
      const verdict = await verdictOn(asked({ ...testRequest, ...change }, fields), covered)
      expect(verdict, name).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
    }
  })
})

test('the signature of the proxy in appendix B.3 is taken', async () => {
  const components = ['@path', '@query', '@method', '@authority', 'client-cert']
  expect(await verdictOn(asked(proxyRequest), components)).toMatchObject({ kind: 'proved' })
  expect(await verdictOn(asked(proxyRequest, { 'client-cert': ':AAAA:' }), components)).toMatchObject({ reason: 'bad-signature' })
})

describe('the request of appendix B.4', () => {
  const demo = { method: 'GET', target: '/demo?name1=Value1&Name2=value2', host: 'example.org' }
  const accepts = [
    ['Accept', 'application/json'],
    ['Accept', '*/*'],
  ] as const

  test.each<[string, Asked]>([
    ['as it was signed', { ...demo, headers: accepts }],
    [
      'with a field and a parameter more',
      { ...demo, target: `${demo.target}&param=added`, headers: [...accepts, ['Accept-Language', 'en-US,en;q=0.5']] },
    ],
    ['with its fields combined', { ...demo, headers: [['Accept', 'application/json, */*']] }],
    ['with other fields between', { ...demo, headers: [accepts[0], ['Date', 'Fri, 15 Jul 2022 14:24:55 GMT'], accepts[1]] }],
  ])('is taken %s', async (_, request) => {
    expect(await verdictOn(asked(request, transformed), ['@method', '@path', '@authority', 'accept'])).toMatchObject({
      kind: 'proved',
    })
  })

  test.each<[string, Asked]>([
    ['with another method and host', { ...demo, method: 'POST', host: 'example.com', headers: accepts }],
    ['with its fields in another order', { ...demo, headers: [accepts[1], accepts[0]] }],
  ])('is refused %s', async (_, request) => {
    expect(await verdictOn(asked(request, transformed), ['@method'])).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
  })
})
