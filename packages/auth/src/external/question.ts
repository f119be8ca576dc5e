import { createHash } from 'node:crypto'
import type { Context } from '@gatelet/core'

/** What an authoriser is asked, and a name for it. */
export interface Question {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | undefined
  /** The same for questions in the same words, and for no others. */
  readonly id: string
}

/**
 * Tells of a request: the four fields that authorisers expect (`X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`), who the client is
 * (`-For`), and what the client says in the fields that are allowed. Anything else that the client says stays here.
 */
export function questionAbout({ request }: Context, allowed: readonly string[], body: Uint8Array | undefined): Question {
  const { method, url, client, headers } = request
  const told: [string, string][] = [
    ['x-forwarded-method', method],
    ['x-forwarded-proto', url.scheme],
    ['x-forwarded-host', url.port === undefined ? url.host : `${url.host}:${url.port}`],
    ['x-forwarded-uri', url.path + url.search],
    ['x-forwarded-for', client.address],
  ]
  for (const name of allowed) {
    // Fields of one name are one list; cookies have a sign of their own between them (RFC 9113 §8.2.3).
    const values = headers.getAll(name)
    if (values.length > 0) told.push([name, values.join(name === 'cookie' ? '; ' : ', ')])
  }
  if (body)
    for (const name of ['content-type', 'content-encoding']) for (const value of headers.getAll(name)) told.push([name, value])
  const hash = createHash('sha256').update(JSON.stringify([told, body !== undefined]))
  // The first part ends where JSON ends: nothing of it can be taken for the body.
  if (body) hash.update(body)
  return { headers: told, body, id: hash.digest('base64') }
}
