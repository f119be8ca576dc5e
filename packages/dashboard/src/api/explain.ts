import { type Context, canonicalize, canonicalizeHost, GatewayError, isToken, json, type Reply } from '@gatelet/core'
import type { RouterHandle } from '../handles.ts'
import { bad } from './ask.ts'
import type { ExplainView } from './views.ts'

const MAX_CANDIDATES = 100

/**
 * Which route a URL takes, and why not another: `?method=GET&url=/users/7`. Asks the routers, and sends no request.
 * @throws GatewayError `BAD_REQUEST`
 */
export function explain({ request }: Context, routers: Readonly<Record<string, RouterHandle>>): Reply {
  const query = new URLSearchParams(request.url.search)
  const method = (query.get('method') ?? 'GET').toUpperCase()
  if (!isToken(method) || method.length > 32) throw bad('method must be one of HTTP')
  const url = urlOf(query.get('url') ?? '', request.url.host)
  const explanations = Object.entries(routers).map(([router, handle]) => {
    const { candidates, ...explanation } = handle.explain({ method, url })
    return { router, ...explanation, candidates: candidates.slice(0, MAX_CANDIDATES) }
  })
  return json({ explanations } satisfies ExplainView)
}

function urlOf(text: string, ownHost: string): { host: string; path: string; search: string } {
  const [, authority, target] = /^(?:https?:\/\/([^/?#]+))?(\/.*)?$/.exec(text) ?? []
  if (authority === undefined && target === undefined) throw bad('url is a path, or a whole URL')
  try {
    const host = authority === undefined ? ownHost : canonicalizeHost(authority, 'http').host
    const { path, search } = canonicalize(target ?? '/')
    return { host, path, search }
  } catch (error) {
    // What the edge would refuse: that is the answer.
    throw error instanceof GatewayError ? bad(error.detail ?? error.title) : error
  }
}
