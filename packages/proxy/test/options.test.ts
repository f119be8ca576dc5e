import { GatewayError } from '@gatelet/core'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { describe, expect, test } from 'vitest'

function refusal(to: unknown, options: unknown): GatewayError {
  try {
    proxy(to as string, options as ProxyOptions)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const url = 'http://127.0.0.1:1'

const bad: [path: string, options: unknown, expected: RegExp][] = [
  ['host', { host: 'a b' }, /'upstream', 'preserve' or a host name/],
  ['host', { host: 'http://a' }, /host name/],
  ['host', { host: '' }, /host name/],
  ['host', { host: 'a:99999' }, /host name/],
  ['host', { host: 5 }, /host name/],
  ['forwarded', { forwarded: 'x' }, /"x-forwarded", "forwarded", "both" or "none"/],
  ['via', { via: '' }, /a name, or false/],
  ['via', { via: 'a b' }, /a name, or false/],
  ['via', { via: true }, /a name, or false/],
  ['rewriteLocation', { rewriteLocation: 'yes' }, /true or false/],
  ['cookies', { cookies: 'x' }, /an object/],
  ['cookies.name', { cookies: { name: {} } }, /not an option/],
  ['cookies.domain', { cookies: { domain: 'a' } }, /an object/],
  ['cookies.domain.a', { cookies: { domain: { a: 1 } } }, /a value of a cookie attribute/],
  ['cookies.path.*', { cookies: { path: { '*': '/;x' } } }, /a value of a cookie attribute/],
  ['cookies.path./', { cookies: { path: { '/': 'a\r\nb' } } }, /a value of a cookie attribute/],
  ['timeouts', { timeouts: 5 }, /an object/],
  ['timeouts.connectMs', { timeouts: { connectMs: 0 } }, /milliseconds from 1 to/],
  ['timeouts.connectMs', { timeouts: { connectMs: Number.NaN } }, /milliseconds from 1 to/],
  ['timeouts.headersMs', { timeouts: { headersMs: '5s' } }, /milliseconds from 1 to/],
  ['timeouts.headersMs', { timeouts: { headersMs: Number.POSITIVE_INFINITY } }, /milliseconds from 1 to/],
  ['timeouts.bodyIdleMs', { timeouts: { bodyIdleMs: -1 } }, /milliseconds from 0 to/],
  ['timeouts.upgradeIdleMs', { timeouts: { upgradeIdleMs: -1 } }, /milliseconds from 0 to/],
  ['timeouts.upgradeDrainMs', { timeouts: { upgradeDrainMs: -1 } }, /milliseconds from 0 to/],
  ['timeouts.totalMs', { timeouts: { totalMs: 0 } }, /milliseconds from 1 to/],
  ['timeouts.total', { timeouts: { total: 5 } }, /did you mean totalMs/],
  ['retries', { retries: 11 }, /a whole number from 0 to 10/],
  ['retries', { retries: 1.5 }, /a whole number/],
  ['retries', { retries: 'twice' }, /a whole number/],
  ['retries.max', { retries: { max: 11 } }, /a whole number from 0 to 10/],
  ['retries.repeatable', { retries: { repeatable: true } }, /a function of a request/],
  ['retries.statuses[1]', { retries: { statuses: [503, 200] } }, /a whole number from 400 to 599/],
  ['retries.baseMs', { retries: { baseMs: 0 } }, /milliseconds from 1/],
  ['retries.maxMs', { retries: { maxMs: -1 } }, /milliseconds from 1/],
  ['retries.retryAfterMs', { retries: { retryAfterMs: '1s' } }, /milliseconds from 0/],
  ['retries.budget', { retries: { budget: true } }, /an object such as .* or false/],
  ['retries.budget.share', { retries: { budget: { share: 1.1 } } }, /a number from 0 to 1/],
  ['retries.budget.perSecond', { retries: { budget: { perSecond: -1 } } }, /a number from 0 to 1000/],
  ['hedge', { hedge: {} }, /one of afterMs and percentile/],
  ['hedge', { hedge: { afterMs: 5, percentile: 0.9 } }, /one of afterMs and percentile/],
  ['hedge', { hedge: 5 }, /an object/],
  ['hedge.afterMs', { hedge: { afterMs: 0 } }, /milliseconds from 1/],
  ['hedge.percentile', { hedge: { percentile: 95 } }, /a number from 0.5 to 0.999/],
  ['hedge.maxAttempts', { hedge: { afterMs: 5, maxAttempts: 1 } }, /a whole number from 2 to 5/],
  ['deadlineHeader', { deadlineHeader: 'a b' }, /x-request-timeout-ms/],
  ['deadlineHeader', { deadlineHeader: 'Content-Length' }, /x-request-timeout-ms/],
  ['deadlineHeader', { deadlineHeader: 'connection' }, /x-request-timeout-ms/],
  ['maxRequestBytes', { maxRequestBytes: 0 }, /bytes/],
  ['maxResponseBytes', { maxResponseBytes: 1.5 }, /bytes/],
  ['timeouts.attemptMs', { timeouts: { attemptMs: 0 } }, /milliseconds from 1 to/],
  ['connections', { connections: 0 }, /from 1 to 10000/],
  ['maxQueued', { maxQueued: -1 }, /from 0 to 100000/],
  ['queueMs', { queueMs: 0 }, /milliseconds from 1/],
  ['keepAliveMs', { keepAliveMs: 0 }, /milliseconds from 1/],
  ['tls', { tls: true }, /an object/],
  ['tls.ca', { tls: { ca: '' } }, /a PEM text/],
  ['tls.ca', { tls: { ca: 'nowhere.pem' } }, /cannot be read/],
  ['tls.ca', { tls: { ca: Buffer.from('x') } }, /has no certificate in PEM/],
  ['tls.cert', { tls: { key: '-----BEGIN' } }, /must be given too/],
  ['tls.key', { tls: { cert: '-----BEGIN' } }, /must be given too/],
  ['tls.key', { tls: { cert: '-----BEGIN', key: '-----BEGIN' } }, /does not fit the certificate/],
  ['tls.minVersion', { tls: { minVersion: 'TLSv1.1' } }, /"TLSv1.2" or "TLSv1.3"/],
  ['tls.rejectUnauthorized', { tls: { rejectUnauthorized: 0 } }, /true or false/],
  ['http2', { http2: 'h2c' }, /true or false/],
  ['addresses', { addresses: 'public' }, /an object/],
  ['addresses.refuse[0]', { addresses: { refuse: ['privat'] } }, /a CIDR range .* or one of private/],
  ['addresses.allow[0]', { addresses: { allow: ['10.0.0.0/33'] } }, /a CIDR range/],
  ['clock', { clock: {} }, /a clock/],
  ['retry', { retry: 1 }, /known are .*retries/],
]

describe('a bad option ends the program at its start', () => {
  test.each(bad)('%s: %j', (path, options, expected) => {
    const error = refusal(url, options)
    expect(error.code).toBe('BAD_OPTION')
    expect(error.path).toBe(path)
    expect(error.message).toMatch(expected)
    expect(error.message).toMatch(/^(proxy: |tls\.)/)
  })

  test('every option has one here', () => {
    const all: Required<{ [K in keyof ProxyOptions]: true }> = {
      host: true,
      forwarded: true,
      via: true,
      rewriteLocation: true,
      cookies: true,
      timeouts: true,
      retries: true,
      hedge: true,
      deadlineHeader: true,
      maxRequestBytes: true,
      maxResponseBytes: true,
      connections: true,
      maxQueued: true,
      queueMs: true,
      keepAliveMs: true,
      tls: true,
      http2: true,
      addresses: true,
      clock: true,
    }
    const shown = new Set(bad.map(([path]) => path.split('.')[0]))
    expect(Object.keys(all).filter((name) => !shown.has(name))).toEqual([])
  })

  test.each([[5], ['all'], [null], [[]]])('options that are %j', (options) => {
    expect(refusal(url, options ?? 'null').code).toBe('BAD_OPTION')
  })
})

test.each([
  [undefined, /a balancer, or an http or https URL/],
  [null, /a balancer, or an http or https URL/],
  [{}, /a balancer, or an http or https URL/],
  [{ acquire: true }, /a balancer, or an http or https URL/],
  ['', /an http or https URL/],
  ['localhost:3000', /an http or https URL/],
  ['ftp://a', /an http or https URL/],
  ['http://user:pass@a', /without user name and password/],
  ['http://a/?x', /without query/],
  [new URL('ws://a'), /an http or https URL/],
])('%j is nothing to forward to', (to, expected) => {
  const error = refusal(to, {})
  expect([error.code, error.path]).toEqual(['BAD_OPTION', 'to'])
  expect(error.message).toMatch(expected)
  expect(error.message).not.toMatch(/pass@/)
})

test('all options together are accepted', () => {
  const handler = proxy(new URL(url), {
    host: 'preserve',
    forwarded: 'both',
    via: 'edge-1',
    rewriteLocation: false,
    cookies: { domain: { 'a.example': 'b.example' }, path: {} },
    timeouts: { connectMs: 1, headersMs: 1, bodyIdleMs: 0, totalMs: 1 },
    retries: 0,
    connections: 1,
    maxQueued: 0,
    queueMs: 1,
    keepAliveMs: 1,
  })
  expect(handler).toBeTypeOf('function')
})
