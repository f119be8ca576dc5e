import { proxyHeader, readProxyHeader } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const ends = (address: string, localAddress: string) => ({ address, port: 1_234, localAddress, localPort: 443 })

test.each<[version: 1 | 2, address: string, localAddress: string, read: string | undefined]>([
  [1, '192.0.2.7', '10.0.0.1', '192.0.2.7'],
  [2, '192.0.2.7', '10.0.0.1', '192.0.2.7'],
  [1, '2001:db8::7', '::1', '2001:db8::7'],
  [2, '2001:db8::7', '::1', '2001:db8::7'],
  [1, '::ffff:192.0.2.7', '::ffff:10.0.0.1', '192.0.2.7'],
  [2, '192.0.2.7', '2001:db8::1', '192.0.2.7'],
  [1, '192.0.2.7', '2001:db8::1', '192.0.2.7'],
  [1, '', '10.0.0.1', undefined],
  [2, '', '10.0.0.1', undefined],
])('version %i tells of %s to %s', (version, address, localAddress, read) => {
  const bytes = proxyHeader(version, ends(address, localAddress))
  expect(readProxyHeader(bytes)).toEqual({ length: bytes.length, address: read, ...(read ? { port: 1_234 } : {}) })
})

test('is written as HAProxy specifies it', () => {
  expect(proxyHeader(1, ends('192.0.2.7', '10.0.0.1')).toString('latin1')).toBe('PROXY TCP4 192.0.2.7 10.0.0.1 1234 443\r\n')
  const v2 = '0d0a0d0a000d0a515549540a 21 11 000c c0000207 0a000001 04d2 01bb'
  expect(proxyHeader(2, ends('192.0.2.7', '10.0.0.1')).toString('hex')).toBe(v2.replaceAll(' ', ''))
})

test('what is written is read again', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  const port = fc.nat(65_535)
  fc.assert(
    fc.property(fc.constantFrom<1 | 2>(1, 2), address, address, port, port, (version, from, to, fromPort, toPort) => {
      const bytes = proxyHeader(version, { address: from, port: fromPort, localAddress: to, localPort: toPort })
      expect(readProxyHeader(bytes)).toMatchObject({ length: bytes.length, port: fromPort })
    }),
    { seed: 7, numRuns: 1_000 },
  )
})
