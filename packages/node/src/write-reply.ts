import { discard, GatewayError, lengthOf, type Reply, type Source, sourceOf } from '@gatelet/core'
import type { HttpExchange } from './exchange.ts'
import { hasContent, type ReplyHead, replyHead } from './reply-head.ts'
import { StreamedReply } from './streamed-reply.ts'

/**
 * Writes a reply: head and body in one write when the whole body is here, else as it comes.
 * @throws GatewayError `BAD_HEADER`, `BODY_USED`: nothing was written then
 */
export function writeReply(exchange: HttpExchange, reply: Reply): void {
  const { body, status } = reply
  const { res, request } = exchange
  if (!hasContent(request.method, status)) {
    writeHead(exchange, reply, request.method === 'HEAD' && body !== null ? lengthOf(body) : undefined)
    discard(body)
    res.end()
    return
  }
  const whole = wholeBody(body)
  if (!(whole instanceof Uint8Array)) {
    new StreamedReply(exchange, reply, whole).start()
    return
  }
  writeHead(exchange, reply, whole.byteLength)
  if (whole.byteLength > 0) res.end(whole)
  else res.end()
}

/** @throws GatewayError `BAD_HEADER` */
export function writeHead(exchange: HttpExchange, reply: Reply, length: number | undefined): ReplyHead {
  const { res, request } = exchange
  const { method, protocol } = request
  const { mustClose: close, isNewest: mayClose, connection } = exchange
  const head = replyHead(reply.headers.raw, { status: reply.status, method, protocol, length, close, mayClose })
  if (head.wantsClose) connection.mustClose = true
  if (head.close) res.shouldKeepAlive = false
  if (protocol === '1.0') res.useChunkedEncodingByDefault = false
  try {
    res.writeHead(reply.status, head.raw)
  } catch (cause) {
    res.statusMessage = '' // Node keeps the phrase of the status that it could not write.
    throw new GatewayError('BAD_HEADER', { cause })
  }
  if (head.close) exchange.closes()
  return head
}

const nothing = new Uint8Array(0)

/** The bytes, if they are here: a literal, or what a source has at hand. Else the source. */
function wholeBody(body: Reply['body']): Uint8Array | Source {
  if (body === null) return nothing
  // Not left to Node, which would write the latin1 of the head as UTF-8 along with a string.
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  const source = sourceOf(body)
  const taken = source.take()
  return taken === undefined ? source : (taken ?? nothing)
}
