import { type Body, type Context, GatewayError, lengthOf, requestBytes } from '@gatelet/core'
import { fieldsOf, unreadable } from './fields.ts'
import { parsedJson } from './json-text.ts'

/** What a body is read as. */
export type BodyKind = 'json' | 'form'

/** The media type that each is known by. */
export const mediaTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const

/** A body that was read, and the request that still has its bytes for who sends it on. */
export interface ReadBody<S extends object> {
  /** Undefined where there is no body, or an empty one. */
  readonly value: unknown
  readonly ctx: Context<S>
}

/** Whether there is nothing to read, as far as that is known before reading. */
export const isEmpty = (body: Body): boolean => lengthOf(body) === 0

/** What a content type is read as: JSON for `application/json` and `+json`; undefined for what is not read. */
export function kindOf(mediaType: string): BodyKind | undefined {
  if (/^application\/(?:[^/;]+\+)?json$/.test(mediaType)) return 'json'
  return mediaType === 'application/x-www-form-urlencoded' ? 'form' : undefined
}

/** The media type of the body, in lower case and without parameters; undefined where none is named, or more than one. */
export function mediaTypeOf(ctx: Context): string | undefined {
  const [type, ...others] = ctx.request.headers.getAll('content-type')
  // Of several, servers take the first, the last or none: what is judged as JSON here must not be read as a form behind.
  if (others.length > 0 || type?.replace(/"[^"]*"/g, '').includes(',')) return undefined
  return type?.split(';', 1)[0]?.trim().toLowerCase()
}

/**
 * The error for a body whose type is not taken. It says which are.
 * @param types media types, at least one
 */
export function unsupported(types: readonly string[]): GatewayError {
  const accept = types.join(', ')
  return new GatewayError('UNSUPPORTED_MEDIA_TYPE', { detail: `Taken is ${accept}`, headers: { accept } })
}

/**
 * Refuses what would have to be decoded before it can be read: a coded body, and text that is not UTF-8.
 * @throws GatewayError `UNSUPPORTED_MEDIA_TYPE`
 */
export function checkCoding(ctx: Context): void {
  const { headers } = ctx.request
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity') {
    // RFC 9110 §12.5.3: this is how a 415 says that the coding is at fault.
    const refusal = { detail: 'The body must come without a content coding', headers: { 'accept-encoding': 'identity' } }
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', refusal)
  }
  const charsets = (headers.get('content-type') ?? '').matchAll(/;\s*charset\s*=\s*"?([^";\s]*)/gi)
  if ([...charsets].some(([, charset = '']) => !/^(?:utf-?8|us-ascii)$/i.test(charset))) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { detail: 'The body must be UTF-8' })
  }
}

/**
 * Reads the body once. Who comes behind gets the same bytes again.
 * @param limit bytes
 * @throws GatewayError `BODY_TOO_LARGE`, `MALFORMED_BODY`, and what ended the exchange meanwhile
 */
export async function readBody<S extends object>(
  ctx: Context<S>,
  kind: BodyKind,
  limits: { readonly bytes: number; readonly fields: number },
): Promise<ReadBody<S>> {
  const { body } = ctx.request
  const bytes = await requestBytes(ctx, limits.bytes)
  // What is in memory already can be read again as it is; in front of a framework it must not be changed.
  const same = typeof body === 'string' || body instanceof Uint8Array
  const again = same ? ctx : ctx.withRequest({ body: bytes })
  if (bytes.byteLength === 0) return { value: undefined, ctx: again }
  const text = textOf(bytes)
  return { value: kind === 'json' ? parsedJson(text) : fieldsOf(text, limits.fields), ctx: again }
}

// A byte order mark is kept, for the reader of JSON to refuse (RFC 8259 §8.1): whoever is behind may not skip it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8. @throws GatewayError `MALFORMED_BODY` */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw unreadable('must be UTF-8')
  }
}
