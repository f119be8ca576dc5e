import { isNamed } from '@gatelet/core'

/** What decides how a reply is framed. */
export interface Framing {
  readonly status: number
  readonly method: string
  readonly protocol: '1.0' | '1.1'
  /** Bytes of the body; undefined when they are not known. */
  readonly length: number | undefined
  /** The connection ends with this reply. */
  readonly close: boolean
  /** False where other replies have to follow, whatever a layer says. */
  readonly mayClose: boolean
}

/** The head of a reply, ready for `writeHead`. Node adds `Date`, `Connection` and `Transfer-Encoding`. */
export interface ReplyHead {
  /** Flat: name, value, name, value, … Not to be changed: it may be the reply's own list. */
  readonly raw: string[]
  readonly close: boolean
  /** A layer wants the connection to end. */
  readonly wantsClose: boolean
  /** The body ends by itself, so that trailers can follow. */
  readonly isChunked: boolean
  readonly contentLength: number | undefined
}

/** Whether a reply carries content at all (RFC 9110 §6.4.1, §15.3.6). */
export function hasContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304
}

/**
 * Frames a reply. The fields that frame a message or speak of the connection are for us to say, whatever a layer put there:
 * `Content-Length` is what the body really has, `Transfer-Encoding` and `Keep-Alive` go, `Trailer` stays where trailers can
 * follow, and so does what `Connection` says besides `close` and `keep-alive`. The answer to a HEAD and a 304 keep the
 * `Content-Length` that they came with; a 204 has none.
 */
export function replyHead(raw: readonly string[], framing: Framing): ReplyHead {
  const fields = ownFields(raw)
  const contentLength = lengthFor(framing, fields.declared)
  const wantsClose = fields.close
  const close = framing.close || (wantsClose && framing.mayClose)
  const isChunked = contentLength === undefined && framing.protocol === '1.1' && hasContent(framing.method, framing.status)
  const hasRightLength = contentLength === undefined ? fields.declared === undefined : fields.declared === String(contentLength)
  if (hasRightLength && !fields.hasOthers) return { raw: raw as string[], close, wantsClose, isChunked, contentLength }
  const out = fields.hasOthers || fields.declared !== undefined ? withoutOwn(raw) : raw.slice()
  if (contentLength !== undefined) out.push('content-length', String(contentLength))
  if (fields.options !== '') out.push('connection', close ? `${fields.options}, close` : fields.options)
  if (isChunked && fields.trailer !== undefined) out.push('trailer', fields.trailer)
  return { raw: out, close, wantsClose, isChunked, contentLength }
}

function lengthFor({ status, method, length }: Framing, declared: string | undefined): number | undefined {
  if (status === 204) return undefined
  if (status === 205) return 0
  const described = declared !== undefined && /^\d+$/.test(declared) ? Number(declared) : undefined
  return method === 'HEAD' || status === 304 ? (described ?? length) : (length ?? described)
}

interface OwnFields {
  /** The first `Content-Length`. */
  declared: string | undefined
  trailer: string | undefined
  close: boolean
  /** What `Connection` says besides `close` and `keep-alive`. */
  options: string
  /** More than one `Content-Length`, or any other field that is ours to say. */
  hasOthers: boolean
}

function ownFields(raw: readonly string[]): OwnFields {
  const found: OwnFields = { declared: undefined, trailer: undefined, close: false, options: '', hasOthers: false }
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!isOwn(name)) continue
    const value = raw[i + 1] as string
    if (name.length === 14 && found.declared === undefined) {
      found.declared = value
      continue
    }
    found.hasOthers = true
    if (name.length === 7) found.trailer = found.trailer === undefined ? value : `${found.trailer}, ${value}`
    if (isNamed(name, 'connection')) readConnection(value, found)
  }
  return found
}

function isOwn(name: string): boolean {
  switch (name.length) {
    case 7:
      return isNamed(name, 'trailer')
    case 10:
      return isNamed(name, 'connection') || isNamed(name, 'keep-alive')
    case 14:
      return isNamed(name, 'content-length')
    case 17:
      return isNamed(name, 'transfer-encoding')
    default:
      return false
  }
}

function readConnection(value: string, found: OwnFields): void {
  for (const part of value.split(',')) {
    const option = part.trim()
    if (isNamed(option, 'close')) found.close = true
    else if (option !== '' && !isNamed(option, 'keep-alive')) found.options += found.options === '' ? option : `, ${option}`
  }
}

function withoutOwn(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) if (!isOwn(raw[i] as string)) kept.push(raw[i] as string, raw[i + 1] as string)
  return kept
}
