import { options, pem, readPem } from '@gatelet/core'
import { expect, test } from 'vitest'
import { certificate } from '../../../test/certificates/certificates.ts'
import { thrown } from './thrown.ts'

const { cert, files } = certificate('a')

test('a PEM is taken as text, as bytes, and by the path of its file', () => {
  for (const given of [cert, Buffer.from(cert), files.cert]) expect(String(readPem(pem(given, 'x'), 'x'))).toBe(cert)
})

test.each([[''], [7], [null], [new Uint8Array()]])('%j is none', (value) => {
  expect(thrown(() => pem(value, 'tls.cert'))).toMatchObject({ code: 'BAD_OPTION', path: 'tls.cert' })
})

test('a file that cannot be read is named by its option', () => {
  expect(thrown(() => readPem('/nowhere/x.pem', 'tls.key'))).toMatchObject({ code: 'BAD_OPTION', path: 'tls.key' })
  expect(options.optional(pem)(undefined, 'x')).toBeUndefined()
})
