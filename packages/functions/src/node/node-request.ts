import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { type Context, discard, type Flow, type IncomingRequest, isHopByHop, lengthOf, sourceOf } from '@gatelet/core'

/** A request of `node:http` that came by no socket. */
export function nodeRequest({ request }: Context): IncomingMessage {
  const { method, url, protocol } = request
  const req = new IncomingMessage(socketOf(request))
  req.method = method
  req.url = url.path + url.search
  req.httpVersion = protocol === '2' ? '2.0' : protocol
  req.httpVersionMajor = Number(protocol[0])
  req.httpVersionMinor = Number(protocol[2] ?? 0)
  fillHeaders(req, request)
  fillBody(req, request.body)
  return req
}

/** Ends a request whose client does not send the rest of it, as Node does. */
export function abortRequest(req: IncomingMessage, error: Error): void {
  if (!req.complete && !req.destroyed) {
    req.aborted = true
    req.emit('aborted')
  }
  req.destroy(error)
}

function socketOf({ client, url }: IncomingRequest): Socket {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: client.address })
  Object.defineProperty(socket, 'encrypted', { value: url.scheme === 'https' })
  return socket
}

function fillHeaders(req: IncomingMessage, { headers, body }: IncomingRequest): void {
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (isHopByHop(lower)) continue
    req.rawHeaders.push(name, value)
    if (lower === 'set-cookie') req.headers[lower] = headers.getAll(lower)
    else req.headers[lower] ??= single.has(lower) ? value : headers.get(lower)
  }
  // A framework that sees neither length nor coding takes it that there is no body.
  const length = lengthOf(body)
  if (req.headers['content-length'] !== undefined || length === 0) return
  const [name, value] = length === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)]
  req.rawHeaders.push(name, value)
  req.headers[name] = value
}

// Of these Node keeps the first, as `headers` of a message that came by a socket shows.
const single: ReadonlySet<string> = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since'],
  ...['if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'referer', 'retry-after', 'server', 'user-agent'],
])

function fillBody(req: IncomingMessage, body: IncomingRequest['body']): void {
  const source = sourceOf(body)
  let isStarted = false
  let flow: Flow | undefined
  // Properties of its own, since frameworks put another prototype under a request.
  req._read = () => {
    if (isStarted) {
      flow?.resume()
      return
    }
    isStarted = true
    flow = source.pipeTo({
      write: (chunk) => req.push(chunk),
      end: () => {
        req.complete = true
        req.push(null)
      },
      fail: (error) => abortRequest(req, error),
    })
  }
  req._destroy = (error, done) => {
    if (!isStarted) discard(body)
    else if (!req.complete) source.cancel()
    done(error)
  }
  // That it broke off is for those who read it; unheard, it would end the process.
  req.on('error', () => {})
}
