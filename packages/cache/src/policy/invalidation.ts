import { canonicalizeLeniently, type RequestUrl } from '@gatelet/core'
import { absoluteUrl, origin } from './key.ts'
import type { CacheRequest, CacheResponse } from './types.ts'

const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * The URLs whose stored responses a request has made invalid (RFC 9111 §4.4): its own, and those of `Location` and
 * `Content-Location` on the same origin. None for a safe method, nor for an error. An unknown method is not safe.
 */
export function invalidates(request: CacheRequest, response: CacheResponse): readonly RequestUrl[] {
  if (safe.has(request.method) || response.status < 200 || response.status >= 400) return []
  const named = ['location', 'content-location'].flatMap((name) => resolved(response.headers.get(name), request.url) ?? [])
  return [request.url, ...named.filter((url) => origin(url) === origin(request.url))]
}

function resolved(reference: string | undefined, base: RequestUrl): RequestUrl | undefined {
  if (reference === undefined || !URL.canParse(reference, absoluteUrl(base))) return undefined
  const url = new URL(reference, absoluteUrl(base))
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  try {
    const { path, search } = canonicalizeLeniently(url.pathname + url.search)
    const scheme = url.protocol === 'https:' ? 'https' : 'http'
    return { scheme, host: url.hostname, port: url.port === '' ? undefined : Number(url.port), path, search }
  } catch {
    // No request can name it, so nothing is stored for it.
    return undefined
  }
}
