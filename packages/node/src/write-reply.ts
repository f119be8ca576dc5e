import { discard, lengthOf, type Reply, type Source, sourceOf } from '@gatelet/core'
import { hasContent } from './reply-head.ts'
import { type ReplyTarget, StreamedReply } from './streamed-reply.ts'

/**
 * Writes a reply: head and body in one write when the whole body is here, else as it comes.
 * @throws GatewayError `BAD_HEADER`, `BODY_USED`: nothing was written then
 */
export function writeReply(target: ReplyTarget, reply: Reply): void {
  const { body, status } = reply
  const { res, request } = target
  if (!hasContent(request.method, status)) {
    target.writeHead(reply, request.method === 'HEAD' && body !== null ? lengthOf(body) : undefined)
    discard(body)
    res.end()
    return
  }
  const whole = wholeBody(body)
  if (!(whole instanceof Uint8Array)) {
    new StreamedReply(target, reply, whole).start()
    return
  }
  target.writeHead(reply, whole.byteLength)
  target.sentBytes = whole.byteLength
  if (whole.byteLength > 0) res.end(whole)
  else res.end()
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
