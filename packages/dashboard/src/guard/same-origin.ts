import { type Context, GatewayError, type IncomingRequest, originalOf } from '@gatelet/core'

/**
 * Refuses a change that a page of another origin asks for, and one that does not say who asks: browsers always do.
 * `Sec-Fetch-Site` goes first, since it also holds behind a proxy that changes scheme or host.
 * @throws GatewayError `ORIGIN_DENIED`
 */
export function admitSameOrigin({ request }: Context): void {
  const original = originalOf(request)
  const site = original.headers.get('sec-fetch-site')
  const isSame = site === undefined ? original.headers.get('origin') === ownOrigin(original) : site === 'same-origin'
  if (!isSame) throw new GatewayError('ORIGIN_DENIED')
}

/** Figures are not for pages of other sites either. A program, and a user who follows a link, do not say that they are such. */
export function admitReader({ request }: Context): void {
  const site = originalOf(request).headers.get('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site') throw new GatewayError('ORIGIN_DENIED')
}

function ownOrigin({ url: { scheme, host, port } }: IncomingRequest): string {
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}`
}
