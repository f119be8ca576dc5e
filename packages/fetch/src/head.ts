import { GatewayError, type HeaderList, type ReadonlyHeaders } from '@gatelet/core'

/** Whether a field frames a message or speaks of a connection: whoever writes to the wire says those. */
export function isFraming(name: string): boolean {
  return framing.has(name.toLowerCase())
}

const framing: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'trailer', 'transfer-encoding'])

/** Whether a reply carries content at all (RFC 9110 §6.4.1, §15.3.6). */
export function hasContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304
}

/** The bytes that a message announces; undefined when it does not, or not in a number. */
export function announcedLength(headers: ReadonlyHeaders): number | undefined {
  const length = headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/**
 * The head of a response.
 * @param length what `Content-Length` is to say; undefined: there is none
 * @throws GatewayError `BAD_HEADER`
 */
export function responseHeaders(headers: HeaderList, length: number | undefined): Headers {
  const out = new Headers()
  try {
    for (const [name, value] of headers) if (!isFraming(name)) out.append(name, value)
  } catch (cause) {
    throw new GatewayError('BAD_HEADER', { cause })
  }
  out.delete('content-length')
  if (length !== undefined) out.set('content-length', String(length))
  return out
}
