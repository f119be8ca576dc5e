import { readFileSync } from 'node:fs'
import { GatewayError } from './errors.ts'
import { type Check, wrong } from './options.ts'

/** A PEM text or its bytes; or the path of a file that holds it (a text without `-----BEGIN`). */
export type Pem = string | Uint8Array

/** For options that hold certificates and keys. Reads nothing yet. */
export const pem: Check<Pem> = (value, path) => {
  if ((typeof value === 'string' && value !== '') || (value instanceof Uint8Array && value.byteLength > 0)) return value
  // Never what it is: it may be a key.
  throw wrong(value === '' ? value : typeof value, path, 'a PEM text, its bytes, or the path of a file')
}

/** Whether it is the path of a file. */
export const isPemFile = (value: Pem): value is string => typeof value === 'string' && !value.includes('-----BEGIN')

/** The PEM itself, read from its file if it is in one. @throws GatewayError `BAD_OPTION`, without anything that was read */
export function readPem(value: Pem, path: string): Buffer {
  if (!isPemFile(value)) return Buffer.from(value)
  try {
    return readFileSync(value)
  } catch (cause) {
    throw new GatewayError('BAD_OPTION', { path, message: `${path} cannot be read (${(cause as Error).message})`, cause })
  }
}
