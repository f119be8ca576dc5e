import { type Json, strictObject } from '../strict-json.ts'

/** A JWS in its compact form (RFC 7515 §7.1), taken apart. Nothing of it is proved. */
export interface Compact {
  readonly header: Json
  readonly payload: Json
  readonly signature: Uint8Array
}

/** Longest token that is looked at, in characters. Headers of more do not get through most servers. */
const MAX_TOKEN = 16_384
const MAX_HEADER = 4_096

/**
 * Takes a token apart so that everybody who reads it reads the same: three parts, each canonical base64url without padding
 * (no stray bits behind the last byte), and both objects strict JSON. What a signature is checked against is the text itself, so
 * other spellings of the same bytes would be other tokens with the same meaning: caches and replay lists would not know them.
 * @returns undefined where it is not that
 */
export function readCompact(token: string): Compact | undefined {
  if (token.length > MAX_TOKEN) return undefined
  const parts = token.split('.', 4)
  if (parts.length !== 3) return undefined
  const [header, payload, signature] = parts as [string, string, string]
  const bytes = header.length <= MAX_HEADER && signature !== '' ? bytesOf(signature) : undefined
  const headerObject = bytes && objectOf(header)
  const payloadObject = headerObject && objectOf(payload)
  return payloadObject && { header: headerObject, payload: payloadObject, signature: bytes }
}

function objectOf(part: string): Json | undefined {
  const bytes = bytesOf(part)
  return bytes && strictObject(bytes)
}

/** The bytes of canonical base64url; undefined for any other text. */
export function bytesOf(text: string): Buffer | undefined {
  // Node's decoder passes over what it does not know, and over stray bits: only the way back shows them.
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
