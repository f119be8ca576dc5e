import { type Context, GatewayError, lengthOf, requestBytes } from '@gatelet/core'
import { fieldsOf } from './fields.ts'

/** What a request says, not checked yet. */
export interface RequestParts<S extends object = {}> {
  /** The router's. */
  readonly params: S extends { readonly params: infer P } ? P : Readonly<Record<string, string>>
  /** Text, or a list of texts for a name that comes again. */
  readonly query: Readonly<Record<string, string | readonly string[]>>
  /** What the JSON says; undefined where there is no body. */
  readonly body: unknown
}

/**
 * Reads what a request says.
 * @param own names of the query that are not the statement's: they are left out
 * @throws GatewayError `MALFORMED_BODY`, `BODY_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`
 */
export async function partsOf<S extends object>(
  ctx: Context<S>,
  maxBodyBytes: number,
  own: readonly string[],
): Promise<RequestParts<S>> {
  const query = Object.fromEntries(Object.entries(fieldsOf(ctx.request.url.search)).filter(([name]) => !own.includes(name)))
  const params = (ctx.state as { readonly params?: object }).params ?? {}
  return { params: params as RequestParts<S>['params'], query, body: await bodyOf(ctx, maxBodyBytes) }
}

/**
 * What is asked about where no `from` says otherwise: the params and, of GET, HEAD and DELETE, the query, else the body. Params are
 * the router's, so nothing overwrites them.
 */
export function usualInput<S extends object>(parts: RequestParts<S>, ctx: Context<S>): unknown {
  const { params, query, body } = parts as RequestParts
  if (['GET', 'HEAD', 'DELETE'].includes(ctx.request.method)) return { ...query, ...params }
  if (body === undefined) return { ...params }
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  return isObject ? { ...body, ...params } : body
}

async function bodyOf<S extends object>(ctx: Context<S>, maxBodyBytes: number): Promise<unknown> {
  const { body, headers } = ctx.request
  if (lengthOf(body) === 0) return undefined
  checkType(headers.getAll('content-type'), headers.get('content-encoding'))
  const bytes = await requestBytes(ctx, maxBodyBytes)
  return bytes.byteLength === 0 ? undefined : parsed(bytes)
}

function checkType(types: readonly string[], coding: string | undefined): void {
  const [type = '', ...others] = types
  if (others.length > 0 || !/^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type.trim())) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', {
      detail: 'Taken is application/json',
      headers: { accept: 'application/json' },
    })
  }
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') {
    const refusal = { detail: 'The body must come without a content coding', headers: { 'accept-encoding': 'identity' } }
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', refusal)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    // Not what the parser says: it quotes the body.
    throw new GatewayError('MALFORMED_BODY', { detail: 'The body must be JSON in UTF-8' })
  }
}
