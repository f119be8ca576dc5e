import { isHopByHop, nominated, withoutNominated } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { growth, LINEAR } from './growth.ts'

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
    ['x-usr', ['x-usr']],
    ['x-tenantid', ['x-tenantid']],
    ['x-user , X-Tenant\t,x-user', ['x-user', 'x-tenant']],
    ['Upgrade, HTTP2-Settings', ['upgrade', 'http2-settings']],
    ['authorization, x-forwarded-for, cookie', ['authorization', 'cookie']],
    ['__proto__', ['__proto__']],
  ])('%j: %j', (value, names) => {
    const found = nominated(value)
    expect(found && [...found]).toEqual(names)
  })

  test('never what frames or addresses the message, or tells where it came from', () => {
    expect(nominated('Host, content-length, Content-Type, Content-Encoding, Date')).toBeUndefined()
    expect(nominated('Via, Forwarded, X-Forwarded-For, X-Forwarded-Proto, X-Real-IP')).toBeUndefined()
    expect([...(nominated('host, x-user') ?? [])]).toEqual(['x-user'])
  })
})

describe('withoutNominated', () => {
  test.each([
    [['Host', 'a', 'Connection', 'keep-alive', 'X-User', 'b']],
    [['Host', 'a']],
    [['x-ten-char', 'close, x-user', 'X-User', 'b']],
    [['connection', 'host, close']],
  ])('gives %j back as it is: nothing is nominated', (raw) => {
    expect(withoutNominated(raw)).toBe(raw)
  })

  test('drops what any Connection field nominates, in every spelling, and the nomination with it', () => {
    const raw = ['X-User', '1', 'Connection', 'close, x-user', 'a', 'b', 'CONNECTION', 'X-Tenant', 'x-tenant', '2', 'x-USER', '3']
    expect(withoutNominated(raw)).toEqual(['Connection', 'close', 'a', 'b', 'CONNECTION', ''])
    expect(raw).toHaveLength(12)
  })

  test('keeps what frames and addresses the message, and what belongs to the connection anyway', () => {
    const raw = [
      'Host',
      'a',
      'Content-Length',
      '1',
      'Connection',
      'host, content-length, Upgrade, TE',
      'Upgrade',
      'websocket',
      'TE',
      'trailers',
    ]
    expect(withoutNominated(raw)).toEqual([
      ...['Host', 'a', 'Content-Length', '1', 'Connection', 'Upgrade, TE', 'Upgrade', 'websocket', 'TE', 'trailers'],
    ])
  })

  test.each([
    ['one field', (n: number) => ['connection', Array.from({ length: n / 10 }, (_, at) => `x-${at}`).join()]],
    ['many fields', (n: number) => Array.from({ length: n / 10 }, (_, at) => ['connection', `x-${at}`]).flat()],
  ])('takes time that grows no faster than the list: %s', (_, list) => {
    expect(
      growth(
        (length) => list(length).join('\n'),
        (text) => void withoutNominated(text.split('\n')),
      ),
    ).toBeLessThan(LINEAR)
  })
})
