import type { RequestUrl } from '@gatelet/core'
import { type SearchRule, searchKey } from './no-vary-search.ts'
import type { Policy } from './options.ts'

/**
 * The key under which the responses to a request are stored: its canonical URL, the query as the options have it, and whom
 * it is for. GET and HEAD share it.
 * @param partition who asks, where responses must not go to others
 * @param rule what an earlier response at this path said in `No-Vary-Search`, where that is followed
 */
export function keyOf(url: RequestUrl, policy: Policy, partition?: string, rule?: SearchRule): string {
  const search = searchKey(url.search, policy.query, policy.noVarySearch ? rule : undefined)
  const key = `${origin(url)}${url.path}${search}`
  // No URL has a space, so no key can be mistaken for another one.
  return partition === undefined ? key : `${key} ${partition}`
}

/** The URL of a request, whole. */
export function absoluteUrl(url: RequestUrl): string {
  return `${origin(url)}${url.path}${url.search}`
}

/** Scheme, host and port. */
export function origin({ scheme, host, port }: RequestUrl): string {
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}`
}
