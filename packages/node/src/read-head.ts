import { GatewayError, isNamed, nominated } from '@gatelet/core'

/** What the fields of a request say about the message itself. */
export interface RequestHead {
  /** Undefined when there is no `Host`. */
  readonly host: string | undefined
  /** Undefined when the body ends by itself (chunked), or when there is none. */
  readonly contentLength: number | undefined
  readonly isChunked: boolean
  /** Whether `Connection` nominates fields that belong to this connection only. */
  readonly nominates: boolean
}

/**
 * Reads the fields that frame and address a request, once, and refuses what Node's parser lets through although servers
 * disagree on it: two `Host` fields, every coding but `chunked` (RFC 9112 §6.1), a coding from an HTTP/1.0 client, and a
 * length that is no exact number.
 * @param raw flat: name, value, name, value, …
 * @throws GatewayError `BAD_HOST`, `BAD_FRAMING`
 */
export function readHead(raw: readonly string[], protocol: '1.0' | '1.1'): RequestHead {
  let host: string | undefined
  let contentLength: number | undefined
  let isChunked = false
  let nominates = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    switch (name.length) {
      case 4:
        if (!isNamed(name, 'host')) break
        if (host !== undefined) throw new GatewayError('BAD_HOST', { detail: 'There is more than one Host header' })
        host = value
        break
      case 10:
        if (isNamed(name, 'connection')) nominates ||= nominated(value) !== undefined
        break
      case 14:
        if (!isNamed(name, 'content-length')) break
        if (contentLength !== undefined) throw badFraming('There is more than one Content-Length')
        contentLength = lengthFrom(value)
        break
      case 17:
        if (!isNamed(name, 'transfer-encoding')) break
        if (isChunked || !isNamed(value, 'chunked')) throw badFraming('The only Transfer-Encoding that is understood is chunked')
        isChunked = true
    }
  }
  if (isChunked && protocol === '1.0') throw badFraming('HTTP/1.0 has no Transfer-Encoding')
  if (isChunked && contentLength !== undefined) throw badFraming('There are both Content-Length and Transfer-Encoding')
  return { host, contentLength, isChunked, nominates }
}

function lengthFrom(value: string): number {
  const length = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(length)) throw badFraming('Content-Length is not a number of bytes')
  return length
}

const badFraming = (detail: string) => new GatewayError('BAD_FRAMING', { detail })
