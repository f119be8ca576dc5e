import { chain, GatewayError, type Handler, text } from '@gatelet/core'
import { type SecurityHeadersOptions, securityHeaders } from '@gatelet/router'
import { call, describeMiddleware } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('securityHeaders', () => securityHeaders(), { describe, test })

const backend: Handler = () => text('x', { headers: { Server: 'nginx/1.2.3', 'X-Powered-By': 'PHP/5' } })
async function fieldsOf(options: SecurityHeadersOptions = {}, url = 'https://a.test/', handler = backend) {
  const { headers } = await call(chain().use(securityHeaders(options)).to(handler), url)
  return Object.fromEntries([...headers].filter(([name]) => name !== 'content-type'))
}

const usual = { 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' }
const hsts = { 'strict-transport-security': 'max-age=31536000' }

describe('the header fields that make browsers careful', () => {
  test('are there, and those that tell too much are not', async () => {
    expect(await fieldsOf()).toEqual({ ...usual, ...hsts })
  })

  test('speak of https only where the request came by it', async () => {
    expect(await fieldsOf({}, 'http://a.test/')).toEqual(usual)
  })

  test.each<[string, SecurityHeadersOptions, object]>([
    ['without HSTS', { hsts: false }, usual],
    [
      'with another HSTS',
      { hsts: { maxAgeS: 63_072_000, includeSubDomains: true, preload: true } },
      { ...usual, 'strict-transport-security': 'max-age=63072000; includeSubDomains; preload' },
    ],
    ['with an HSTS that takes it back', { hsts: { maxAgeS: 0 } }, { ...usual, 'strict-transport-security': 'max-age=0' }],
    ['with sniffing', { noSniff: false }, { ...hsts, 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' }],
    ['in frames of their own', { frameOptions: 'SAMEORIGIN' }, { ...usual, ...hsts, 'x-frame-options': 'SAMEORIGIN' }],
    ['with another referrer', { referrerPolicy: 'strict-origin' }, { ...usual, ...hsts, 'referrer-policy': 'strict-origin' }],
    [
      'with a policy for contents',
      { contentSecurityPolicy: "default-src 'none'" },
      { ...usual, ...hsts, 'content-security-policy': "default-src 'none'" },
    ],
    ['with what runs here', { remove: false }, { ...usual, ...hsts, Server: 'nginx/1.2.3', 'X-Powered-By': 'PHP/5' }],
    ['without other fields', { remove: ['x-powered-by'] }, { ...usual, ...hsts, Server: 'nginx/1.2.3' }],
    [
      'not at all',
      { hsts: false, noSniff: false, frameOptions: false, referrerPolicy: false, remove: ['server', 'x-powered-by'] },
      {},
    ],
  ])('can be had %s', async (_, options, expected) => {
    expect(await fieldsOf(options)).toEqual(expected)
  })

  test('leave what a handler has set, unless told otherwise', async () => {
    const own = { 'x-frame-options': 'SAMEORIGIN', 'strict-transport-security': 'max-age=1' }
    const handler: Handler = () => text('x', { headers: own })
    expect(await fieldsOf({}, 'https://a.test/', handler)).toEqual({ ...usual, ...own })
    expect(await fieldsOf({ override: true }, 'https://a.test/', handler)).toEqual({ ...usual, ...hsts })
  })

  test('are on the reply that an error becomes', async () => {
    const failing: Handler = () => Promise.reject(new GatewayError('NO_ENDPOINT'))
    expect(await fieldsOf({}, 'https://a.test/', failing)).toEqual({ ...usual, ...hsts, 'cache-control': 'no-store' })
  })
})

test.each<[options: unknown, path: string, right: RegExp]>([
  [{ hsts: true }, 'hsts', /an object, or false/],
  [{ hsts: { maxAgeS: -1 } }, 'hsts.maxAgeS', /seconds from 0/],
  [{ hsts: { maxAge: 1 } }, 'hsts.maxAge', /did you mean maxAgeS/],
  [{ noSniff: 'yes' }, 'noSniff', /true or false/],
  [{ frameOptions: 'ALLOW-FROM' }, 'frameOptions', /"DENY", "SAMEORIGIN" or false/],
  [{ referrerPolicy: 'none' }, 'referrerPolicy', /"no-referrer"/],
  [{ contentSecurityPolicy: 'a\nb' }, 'contentSecurityPolicy', /a policy in ASCII/],
  [{ contentSecurityPolicy: true }, 'contentSecurityPolicy', /a policy in ASCII/],
  [{ remove: ['content-length'] }, 'remove[0]', /neither frames/],
])('securityHeaders refuses %j', (options, path, right) => {
  const error = refusal(() => securityHeaders(untyped<SecurityHeadersOptions>(options)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect(error.message).toMatch(right)
})
