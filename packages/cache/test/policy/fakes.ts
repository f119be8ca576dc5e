import {
  type CacheRequest,
  type CacheResponse,
  cachePolicy,
  type Policy,
  type PolicyOptions,
  type StoredMeta,
  storable,
} from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'

/** When the stored responses of these tests were asked for and came: Sun, 06 Nov 1994 08:49:37 GMT. */
export const born = 784_111_777_000

/** The fields of a message: a record, or pairs where a name is there twice. */
export type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

const url = { scheme: 'https', host: 'a.example', port: undefined, path: '/x', search: '' } as const

export const get = (fields: Fields = {}, method = 'GET'): CacheRequest => ({ method, url, headers: new HeaderList(fields) })

export const reply = (fields: Fields = {}, status = 200): CacheResponse => ({ status, headers: new HeaderList(fields) })

export const times: { readonly requestTimeMs: number; readonly responseTimeMs: number } = {
  requestTimeMs: born,
  responseTimeMs: born,
}

export const at = (seconds: number): number => born + seconds * 1_000

export const policy = (options?: PolicyOptions): Policy => cachePolicy(options)

/** What is stored of a response; it must be one that is. */
export function kept(
  fields: Fields,
  options: { request?: Fields; status?: number; policy?: Policy; bodyBytes?: number } = {},
): StoredMeta {
  const verdict = storable(get(options.request), reply(fields, options.status), times, options.policy ?? policy())
  if (!verdict.store) throw new Error(`not stored: ${verdict.reason}`)
  return options.bodyBytes === undefined ? verdict.meta : { ...verdict.meta, bodyBytes: options.bodyBytes }
}
