import type { IncomingMessage } from 'node:http'
import { GatewayError, type IncomingRequest, isNamed, type ReadonlyHeaders, type RequestUrl } from '@gatelet/core'

/**
 * Writes onto Node's request what layers have changed, for the framework's own handlers to see.
 * @param target how a changed path is written, as the framework's router reads it
 * @throws GatewayError `CHANGE_REFUSED` for what these cannot see: another body, another scheme
 */
export function giveOn(
  req: IncomingMessage,
  from: IncomingRequest,
  to: IncomingRequest,
  target: (url: RequestUrl) => string,
): void {
  if (to === from) return
  if (hasOtherBody(from, to)) throw refused('body')
  if (to.url.scheme !== from.url.scheme) throw refused('scheme')
  req.method = to.method
  if (to.url.path !== from.url.path || to.url.search !== from.url.search) req.url = target(to.url)
  if (to.headers !== from.headers) writeHeaders(req, from.headers, to.headers)
  if (to.url.host !== from.url.host || to.url.port !== from.url.port) {
    const { host, port } = to.url
    writeHeader(req, 'host', [port === undefined ? host : `${host}:${port}`])
  }
}

const refused = (what: string) =>
  new GatewayError('CHANGE_REFUSED', {
    message: `a layer in front of a framework's handlers has changed the ${what} of the request, which they cannot see`,
  })

function hasOtherBody(from: IncomingRequest, to: IncomingRequest): boolean {
  try {
    return to.body !== from.body
  } catch {
    // Only the body that came can be one that cannot be had.
    return false
  }
}

// What is the same stays as Node has parsed it.
function writeHeaders(req: IncomingMessage, from: ReadonlyHeaders, to: ReadonlyHeaders): void {
  for (const name of new Set([...namesOf(from), ...namesOf(to)])) {
    const values = to.getAll(name)
    const before = from.getAll(name)
    const isSame = values.length === before.length && values.every((value, at) => value === before[at])
    if (!isSame) writeHeader(req, name, values)
  }
}

const namesOf = (headers: ReadonlyHeaders) => [...headers].map(([name]) => name.toLowerCase())

function writeHeader(req: IncomingMessage, name: string, values: readonly string[]): void {
  // Made from the raw list when they are first asked for: that has to be before it is another.
  const { headers, headersDistinct, rawHeaders } = req
  const kept: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i] as string, name)) kept.push(rawHeaders[i] as string, rawHeaders[i + 1] as string)
  }
  req.rawHeaders = [...kept, ...values.flatMap((value) => [name, value])]
  if (values.length === 0) {
    delete headers[name]
    delete headersDistinct[name]
  } else {
    headers[name] = name === 'set-cookie' ? [...values] : values.join(name === 'cookie' ? '; ' : ', ')
    headersDistinct[name] = [...values]
  }
}
