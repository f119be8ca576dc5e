import { type HeaderList, hasToken, type IncomingRequest, lengthOf, type Reply } from '@gatelet/core'
import { addVary } from './vary.ts'

/** Media types whose content grows smaller: those that are text, and those that are not packed already. */
export const COMPRESSIBLE: RegExp = new RegExp(
  [
    '^text/',
    '^[^/]+/[^/]+\\+(?:json|xml|text|yaml)$',
    '^application/(?:json|json5|jsonl|json-seq|x-ndjson|ld\\+json|javascript|x-javascript|ecmascript|xml|xml-dtd|yaml|x-yaml|toml)$',
    '^application/(?:graphql|graphql-response|sql|rtf|wasm|x-sh|x-tar|x-www-form-urlencoded|vnd\\.ms-fontobject)$',
    '^font/(?:otf|ttf|collection)$',
    '^image/(?:bmp|svg|vnd\\.microsoft\\.icon|x-icon|x-ms-bmp)$',
  ].join('|'),
)

/** The media type of a reply, lower case and without parameters; undefined when it says none. */
export const mediaTypeOf = ({ headers }: Reply): string | undefined =>
  headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() || undefined

/** How long the content is, where that is known. */
export function contentLength({ headers, body }: Reply, { method }: IncomingRequest): number | undefined {
  // The answer to a HEAD says how long that to a GET would be.
  const known = method === 'HEAD' && body === null ? undefined : lengthOf(body)
  const declared = headers.get('content-length')
  return known ?? (declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined)
}

/**
 * Whether content may be packed on the way at all: it is whole, nobody has packed or signed it, and nobody forbids it (RFC 9110
 * §7.7, RFC 9111 §5.2.1.6 and §5.2.2.6).
 */
export function mayTransform({ status, headers, upgrade }: Reply, request: IncomingRequest): boolean {
  if (upgrade || status < 200 || withoutWholeContent.has(status) || headers.has('content-range')) return false
  if (!/^\s*(?:identity\s*)?$/i.test(headers.get('content-encoding') ?? '')) return false
  if (hasToken(headers, 'cache-control', 'no-transform') || hasToken(request.headers, 'cache-control', 'no-transform'))
    return false
  // RFC 9421: a signature may cover what would change; a digest that comes behind the content would be that of another one.
  return !headers.has('signature-input') && !/digest|signature/i.test(headers.get('trailer') ?? '')
}

const withoutWholeContent: ReadonlySet<number> = new Set([204, 205, 206, 304])

/** Makes the head of a reply that of its packed content. */
export function describePacked(headers: HeaderList, coding: string): void {
  headers.set('content-encoding', coding)
  // RFC 9530 §2 and §3: these are of the content with its codings. And parts are not to be had of what is packed anew each time.
  for (const name of ofTheContent) headers.delete(name)
  weakenEtag(headers)
  addVary(headers, 'Accept-Encoding')
}

const ofTheContent = ['content-length', 'accept-ranges', 'content-digest', 'repr-digest', 'digest', 'content-md5']

/** A strong validator promises the same bytes (RFC 9110 §8.8.1), which packed content does not keep. */
export function weakenEtag(headers: HeaderList): void {
  const etag = headers.get('etag')
  if (etag?.startsWith('"')) headers.set('etag', `W/${etag}`)
}
