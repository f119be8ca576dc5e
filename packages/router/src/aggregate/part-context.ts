import { type Context, HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { searchOf, type Template } from './part-request.ts'
import type { PartSettings } from './part-settings.ts'

/** The exchange as a part sees it: its own request, the same client, state and deadline. */
export function partContext(ctx: Context, part: PartSettings, asked: Template): Context {
  const { url, headers } = ctx.request
  const { params: ofRoute } = ctx.state as { readonly params?: Readonly<Record<string, string | number>> }
  return ctx.withRequest({
    method: asked.method,
    url: {
      path: asked.path ? asked.path({ ...ofRoute, ...asked.params }) : url.path,
      search: searchOf(url.search, part.passQuery, asked.query),
    },
    headers: partHeaders(headers, part.passHeaders, asked),
    body: asked.body,
  })
}

function partHeaders(from: ReadonlyHeaders, named: readonly string[], { headers, body }: Template): HeaderList {
  const passed = new HeaderList([...from].filter(([name]) => isPassed(name.toLowerCase(), named)))
  passed.set('accept', 'application/json').set('accept-encoding', 'identity')
  for (const [name, value] of headers) passed.set(name, value)
  if (body !== null) passed.set('content-length', String(Buffer.byteLength(body)))
  return passed
}

function isPassed(name: string, named: readonly string[]): boolean {
  return always.has(name) || named.includes(name)
}

// What a trace, a loop and the way here are told apart by; and the language, which is no secret. No credentials: some proxies
// hand them on as `X-Forwarded-Access-Token` and `X-Forwarded-Client-Cert`, so these are named one by one.
const always: ReadonlySet<string> = new Set([
  ...['accept-language', 'traceparent', 'tracestate', 'x-request-id'],
  ...['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-prefix'],
])
