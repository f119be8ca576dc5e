import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { bytesOf, discard, GatewayError, type Reply } from '@gatelet/core'
import { parsedJson } from '../validation/json-text.ts'
import { kindOf } from '../validation/read-body.ts'
import type { JsonValue } from './part.ts'

/**
 * Reads what a part answered. Every status from 200 to 299 but 206 will do; 204 and 205 are `null`.
 * @param maxBytes of the body, as it came and unpacked
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` for another status, and for what is not JSON; `BODY_TOO_LARGE`,
 * `MALFORMED_BODY`; what the body failed with
 */
export async function answerJson(reply: Reply, maxBytes: number): Promise<JsonValue> {
  const fault = faultOf(reply)
  if (fault !== undefined || reply.status === 204 || reply.status === 205) {
    discard(reply.body)
    if (fault !== undefined) throw refused(fault)
    return null
  }
  const bytes = await unpacked(await bytesOf(reply.body, maxBytes), codingOf(reply), maxBytes)
  return parsedJson(textOf(bytes)) as JsonValue
}

function faultOf(reply: Reply): string | undefined {
  const { status, headers } = reply
  if (!(status >= 200 && status <= 299) || status === 206) return `it answered ${status}`
  if (status === 204 || status === 205) return undefined
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (kindOf(type) !== 'json') return `it answered ${type || 'something without a type'}, not JSON`
  const coding = codingOf(reply)
  return coding === 'identity' || Object.hasOwn(unpackers, coding) ? undefined : `it answered in the coding ${coding}`
}

// It was asked not to, but servers do.
const unpackers: Readonly<Record<string, (bytes: Uint8Array, limit: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

const codingOf = ({ headers }: Reply) => headers.get('content-encoding')?.trim().toLowerCase() || 'identity'

async function unpacked(bytes: Uint8Array, coding: string, maxBytes: number): Promise<Uint8Array> {
  const unpack = unpackers[coding]
  return unpack ? unpack(bytes, { maxOutputLength: maxBytes }) : bytes
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw refused('it answered what is not UTF-8', cause)
  }
}

const refused = (message: string, cause?: unknown) =>
  new GatewayError('UPSTREAM_BAD_RESPONSE', cause === undefined ? { message } : { message, cause })
