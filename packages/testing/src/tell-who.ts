import type { IncomingMessage } from 'node:http'
import type { OriginHandler } from './origin.ts'

/** Says who answered and what it saw, as JSON, when the whole request is here. */
export const tellWho: OriginHandler = (req, res, origin) => {
  whole(req, () => {
    const body = JSON.stringify({ id: origin.id, method: req.method, url: req.url, headers: req.headers })
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  })
}

/** Calls back when the whole request is here. Its body is not kept. */
export function whole(req: IncomingMessage, then: () => void): void {
  if (req.readableEnded) then()
  else req.on('end', then).resume()
}
