import { GatewayError } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHead } from '../src/read-head.ts'

test('reads what frames and addresses a request, in any spelling', () => {
  expect(readHead(['HOST', 'a', 'Content-length', '12', 'From', 'x', 'connection', 'keep-alive'], '1.1')).toEqual({
    host: 'a',
    contentLength: 12,
    isChunked: false,
    nominates: false,
  })
  expect(readHead(['Transfer-Encoding', 'Chunked', 'Connection', 'close, x-a'], '1.1')).toEqual({
    host: undefined,
    contentLength: undefined,
    isChunked: true,
    nominates: true,
  })
})

test('every list of fields is framed in one way or refused', () => {
  const name = fc.constantFrom(
    'Host',
    'host',
    'Content-Length',
    'CONTENT-LENGTH',
    'Transfer-Encoding',
    'transfer-encoding',
    'Connection',
    'Accept',
    'From',
  )
  const value = fc.constantFrom(
    '',
    '0',
    '5',
    '005',
    '+5',
    '5 ',
    '0x5',
    '1e3',
    '5,5',
    '9007199254740992',
    'chunked',
    'CHUNKED',
    'chunked ',
    'gzip, chunked',
    'identity',
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      fc.constantFrom('1.0' as const, '1.1' as const),
      (fields, protocol) => {
        const all = (wanted: string) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
        const [hosts, lengths, codings] = [all('host'), all('content-length'), all('transfer-encoding')]
        const isSound =
          hosts.length <= 1 &&
          lengths.length <= 1 &&
          codings.length <= 1 &&
          lengths.length + codings.length <= 1 &&
          lengths.every((text) => /^\d+$/.test(text) && Number.isSafeInteger(Number(text))) &&
          codings.every((text) => text.toLowerCase() === 'chunked') &&
          !(codings.length > 0 && protocol === '1.0')
        try {
          const head = readHead(fields.flat(), protocol)
          expect(isSound).toBe(true)
          expect([head.host, head.contentLength, head.isChunked]).toEqual([
            hosts[0],
            lengths[0] && Number(lengths[0]),
            codings.length === 1,
          ])
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          expect([isSound, error.status]).toEqual([false, 400])
        }
      },
    ),
    { seed: 5, numRuns: 3_000 },
  )
})
