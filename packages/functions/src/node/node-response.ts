import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { HeaderList, isHopByHop } from '@gatelet/core'

/** What is set on a response, without what speaks of the connection. @throws GatewayError `BAD_HEADER` */
export function headersOf(res: ServerResponse, method: string): HeaderList {
  const list = new HeaderList()
  for (const name of res.getHeaderNames()) {
    // How long a body is that is not sent, only the function knows.
    if (isHopByHop(name) || (name === 'content-length' && method !== 'HEAD')) continue
    for (const value of [res.getHeader(name)].flat()) if (value !== undefined) list.append(name, String(value))
  }
  return list
}

/** Bytes of the body that a response says it has. */
export function announcedLength(res: ServerResponse): number | undefined {
  const length = Number(res.getHeader('content-length') ?? Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

/** What is written, as bytes of their own: who wrote them may use theirs again. @throws TypeError for what cannot be written */
export function bytesOf(chunk: unknown, encoding: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return Uint8Array.from(chunk)
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  const message = 'The "chunk" argument must be of type string or an instance of Buffer or Uint8Array'
  throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

/** The call-back of `write` and `end`, which may stand in the place of the encoding. */
export function callbackOf(encoding: unknown, done: unknown): ((error?: Error) => void) | undefined {
  const callback = typeof encoding === 'function' ? encoding : done
  return typeof callback === 'function' ? (callback as (error?: Error) => void) : undefined
}

/** An error as Node makes it. */
export const nodeError = (code: string, message: string): Error => Object.assign(new Error(message), { code })

/** Sets what `writeHead` was given: after the status, a phrase or not, and fields in either form. */
export function setFields(res: ServerResponse, given: readonly unknown[]): void {
  const fields = (typeof given[0] === 'string' ? given[1] : given[0]) as OutgoingHttpHeaders | readonly string[] | undefined
  if (Array.isArray(fields)) {
    for (let i = 0; i < fields.length; i += 2) res.removeHeader(String(fields[i]))
    for (let i = 0; i < fields.length; i += 2) res.appendHeader(String(fields[i]), fields[i + 1])
  } else {
    for (const [name, value] of Object.entries(fields ?? {})) if (value !== undefined) res.setHeader(name, value)
  }
}
