import { isHopByHop, nominated } from '@gatelet/core'
import { describe, expect, test } from 'vitest'

describe('a field of one connection', () => {
  const fields = [
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ]

  test.each(fields)('%s is told in any spelling', (name) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(isHopByHop)).toEqual([true, true, true])
  })

  test.each(fields)('%s is not mistaken for a name of the same length', (name) => {
    expect(isHopByHop(`${name.slice(0, -1)}x`)).toBe(false)
  })

  test.each([
    'Host',
    'Content-Length',
    'Content-Type',
    'Date',
    'Via',
    'Accept',
    'Set-Cookie',
    'X-User',
    'Expect',
    '',
    '__proto__',
  ])('%j is none', (name) => {
    expect(isHopByHop(name)).toBe(false)
  })
})

describe('what Connection nominates', () => {
  test.each([
    ['close', undefined],
    ['keep-alive', undefined],
    ['Close', undefined],
    ['KEEP-ALIVE', undefined],
    ['close, keep-alive', undefined],
    ['', undefined],
    [' , ,', undefined],
    ['close, X-User', ['x-user']],
    ['x-user , X-Tenant\t,x-user', ['x-user', 'x-tenant']],
    ['Upgrade, HTTP2-Settings', ['upgrade', 'http2-settings']],
    ['authorization, x-forwarded-for, cookie', ['authorization', 'x-forwarded-for', 'cookie']],
    ['__proto__', ['__proto__']],
  ])('%j: %j', (value, names) => {
    const found = nominated(value)
    expect(found && [...found]).toEqual(names)
  })

  test('never what frames or addresses the message', () => {
    expect(nominated('Host, content-length, Content-Type, Content-Encoding, Date')).toBeUndefined()
    expect([...(nominated('host, x-user') ?? [])]).toEqual(['x-user'])
  })
})
