import type { ServerResponse } from 'node:http'
import type { Fields } from './intercept.ts'

export type Encoding = BufferEncoding | Callback | null | undefined
export type Callback = (error?: Error | null) => void

/** What a handler writes, as bytes. @throws TypeError as Node does for what cannot be written */
export function bytesOf(chunk: unknown, encoding: BufferEncoding | null | undefined): Uint8Array {
  const whole = wholeOf(chunk, encoding)
  return typeof whole === 'string' ? Buffer.from(whole) : whole
}

/** The same, but a string in UTF-8 stays one. */
export function wholeOf(chunk: unknown, encoding: BufferEncoding | null | undefined): string | Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk !== 'string') {
    const message = `The "chunk" argument must be of type string or an instance of Buffer or Uint8Array. Received ${typeof chunk}`
    throw Object.assign(new TypeError(message), { code: chunk === null ? 'ERR_STREAM_NULL_VALUES' : 'ERR_INVALID_ARG_TYPE' })
  }
  return !encoding || encoding === 'utf8' || encoding === 'utf-8' ? chunk : Buffer.from(chunk, encoding)
}

/** Node's error for what is written too late. */
export const failureOf = (code: string): Error =>
  Object.assign(new Error(code === 'ERR_STREAM_WRITE_AFTER_END' ? 'write after end' : 'the response is over'), { code })

/** Sets fields as `writeHead` of Node does: they take the place of those before, and a list may have a name twice. */
export function setFields(res: ServerResponse, fields: Fields | undefined): void {
  if (Array.isArray(fields)) {
    const flat: unknown[] = Array.isArray(fields[0]) ? fields.flat() : fields
    for (let i = 0; i < flat.length; i += 2) if (flat[i]) res.removeHeader(String(flat[i]))
    for (let i = 0; i < flat.length; i += 2) if (flat[i]) res.appendHeader(String(flat[i]), flat[i + 1] as string)
  } else if (fields) {
    for (const [name, value] of Object.entries(fields)) if (name) res.setHeader(name, value as string)
  }
}

/** One pair for each field line. */
export function* pairsOf(fields: Fields): Iterable<[string, string]> {
  for (const [name, value] of Array.isArray(fields) ? (fields as [string, unknown][]) : Object.entries(fields)) {
    for (const each of Array.isArray(value) ? value : [value]) yield [name, String(each)]
  }
}
