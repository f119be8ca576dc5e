import { type Checks, checkOptions, type HeaderList, type Middleware, options } from '@gatelet/core'

/** A function behind a gateway of OpenFaaS. */
export interface OpenFaasOptions {
  /** Its name, with its namespace where it has one: `orders.dev`. */
  name: string
  /** Has it called later: OpenFaaS answers 202 at once. Default: false. */
  async?: boolean
  /** Where the answer of a later call goes: an http or https URL. Default: nowhere. */
  callbackUrl?: string
}

const name: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(value))
    throw options.wrong(value, path, 'the name of a function such as orders or orders.dev')
  return value
}

const checks: Checks<Omit<OpenFaasOptions, 'callbackUrl'> & { callbackUrl?: URL }> = {
  name,
  async: options.optional(options.boolean),
  callbackUrl: options.optional(options.httpUrl),
}

/**
 * Lets the proxy behind it call a function of OpenFaaS: its name goes in front of the path. What clients say in `X-Callback-Url` is
 * taken away: they would have the gateway of OpenFaaS ask any address.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(openFaas({ name: 'orders' })).to(proxy('http://gateway.openfaas:8080'))
 */
export function openFaas(given: OpenFaasOptions): Middleware {
  const { name, async: isAsync = false, callbackUrl } = checkOptions('openFaas', given as never, checks)
  const prefix = `/${isAsync ? 'async-function' : 'function'}/${name}`
  return (ctx, next) => {
    const { url, headers } = ctx.request
    const path = url.path === '/' ? prefix : prefix + url.path
    return next(ctx.withRequest({ url: { path }, headers: calling(headers.clone(), callbackUrl) }))
  }
}

function calling(headers: HeaderList, callbackUrl: URL | undefined): HeaderList {
  headers.delete('x-callback-url')
  if (callbackUrl) headers.set('x-callback-url', callbackUrl.href)
  return headers
}
