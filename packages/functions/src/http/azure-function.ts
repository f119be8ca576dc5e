import { type Checks, checkOptions, type Middleware, options } from '@gatelet/core'

/** What calls a function of Azure that wants a key. */
export interface AzureFunctionOptions {
  /** The function's or the host's key. */
  key: string
}

const key: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw options.wrong('…', path, 'a key of printable ASCII')
  return value
}

const checks: Checks<AzureFunctionOptions> = { key }

/**
 * Lets the proxy behind it call a function of Azure: the key goes into `x-functions-key`, and keys that clients bring, in the field or
 * as `code` in the query, are taken away.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(azureFunction({ key: process.env.FUNCTION_KEY })).to(proxy('https://orders.azurewebsites.net'))
 */
export function azureFunction(given: AzureFunctionOptions): Middleware {
  const { key } = checkOptions('azureFunction', given, checks)
  return (ctx, next) => {
    const headers = ctx.request.headers.clone()
    headers.delete('x-functions-clientid')
    headers.set('x-functions-key', key)
    const search = withoutCode(ctx.request.url.search)
    return next(ctx.withRequest(search === undefined ? { headers } : { headers, url: { search } }))
  }
}

/** The query without `code`, byte for byte; undefined where there is none. */
function withoutCode(search: string): string | undefined {
  if (!/code/i.test(decoded(search))) return undefined
  const parts = search.slice(1).split('&')
  const kept = parts.filter((part) => decoded(part.split('=', 1)[0] as string).toLowerCase() !== 'code')
  if (kept.length === parts.length) return undefined
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
