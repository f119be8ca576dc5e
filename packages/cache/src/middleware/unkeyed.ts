import type { Context, IncomingRequest } from '@gatelet/core'

/**
 * The same request without what is no part of its key: an answer that has it in it would go to all who ask the same.
 * @param names in lower case
 */
export function withoutUnkeyed<S extends object>(ctx: Context<S>, names: ReadonlySet<string>): Context<S> {
  if (names.size === 0) return ctx
  const taken = takenFrom(ctx.request, names)
  if (taken.length === 0) return ctx
  const headers = ctx.request.headers.clone()
  for (const name of taken) headers.delete(name)
  return ctx.withRequest({ headers })
}

function takenFrom({ headers, client }: IncomingRequest, names: ReadonlySet<string>): string[] {
  const taken: string[] = []
  const { raw } = headers
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    // What a trusted proxy says of the scheme is in the key.
    if (names.has(name) && !(name === 'x-forwarded-proto' && client.viaTrustedProxy)) taken.push(name)
  }
  return taken
}
