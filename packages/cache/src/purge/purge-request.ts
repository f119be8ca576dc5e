import { canonicalize, canonicalizeHost, GatewayError, type IncomingRequest, type RequestUrl } from '@gatelet/core'
import { tagsIn } from '../middleware/tags.ts'
import { absoluteUrl, keyOf, origin } from '../policy/key.ts'
import type { Policy } from '../policy/options.ts'
import type { PurgeSelector } from '../store.ts'

/** What a request wants to be purged. */
export interface PurgeAsked {
  readonly selectors: readonly PurgeSelector[]
  /** Undefined where it does not say. */
  readonly soft: boolean | undefined
}

/** How many things one request may name. */
const MAX_NAMED = 1_000

/** What a request of the method `PURGE` wants. @throws GatewayError `BAD_REQUEST` */
export function askedByMethod({ url, headers }: IncomingRequest, policy: Policy): PurgeAsked {
  const saidSoft = headers.get('soft-purge')
  if (saidSoft !== undefined && saidSoft !== '0' && saidSoft !== '1') throw bad('Soft-Purge is 0 or 1')
  const soft = saidSoft === undefined ? undefined : saidSoft === '1'
  const tags = tagsIn(headers, ['surrogate-key', 'cache-tag'])
  if (tags.length > 0) return { selectors: bounded(tags.map((tag) => ({ tag }))), soft }
  const scope = headers.get('purge-scope')
  if (scope !== undefined && scope !== 'prefix') throw bad('Purge-Scope is prefix, or left out')
  return { selectors: [scope === 'prefix' ? { prefix: absoluteUrl(url) } : { key: keyOf(url, policy) }], soft }
}

/** What a JSON text wants. @param base what relative URLs are of. @throws GatewayError `BAD_REQUEST` */
export function askedByText(text: string, base: RequestUrl, policy: Policy): PurgeAsked {
  const { url, prefix, tag, all, soft, ...unknown } = objectIn(text)
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw bad(`${JSON.stringify(other)} is not known; url, prefix, tag, all and soft are`)
  if (all !== undefined && all !== true) throw bad('all is true, or left out')
  if (soft !== undefined && typeof soft !== 'boolean') throw bad('soft is true or false')
  const selectors: PurgeSelector[] = [
    ...textsIn(url, 'url').map((one) => ({ key: keyOf(urlOf(one, base), policy) })),
    ...textsIn(prefix, 'prefix').map((one) => ({ prefix: one.startsWith('/') ? `${origin(base)}${one}` : one })),
    ...textsIn(tag, 'tag').map((one) => ({ tag: one })),
    ...(all ? [{ all } as const] : []),
  ]
  if (selectors.length === 0) throw bad('say what: url, prefix, tag or all')
  return { selectors: bounded(selectors), soft }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw bad('the body is a JSON object')
}

function textsIn(value: unknown, name: string): readonly string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  // An empty prefix would be all: that is said in so many words.
  const areTexts = (texts: readonly unknown[]): texts is string[] =>
    texts.every((text) => typeof text === 'string' && text !== '')
  if (!areTexts(list)) throw bad(`${name} is a text, or a list of texts`)
  return list
}

function urlOf(text: string, base: RequestUrl): RequestUrl {
  const { authority, scheme, path, search } = canonicalize(text)
  if (authority === undefined || scheme === undefined) return { ...base, path, search }
  const { host, port } = canonicalizeHost(authority, scheme)
  return { scheme, host, port, path, search }
}

function bounded(selectors: readonly PurgeSelector[]): readonly PurgeSelector[] {
  if (selectors.length > MAX_NAMED) throw bad(`at most ${MAX_NAMED} at once`)
  return selectors
}

const bad = (detail: string) => new GatewayError('BAD_REQUEST', { detail })
