import { toUSVString } from 'node:util'
import {
  atOnce,
  type Context,
  checkOptions,
  type Handler,
  type MaybePromise,
  type Middleware,
  type ReadonlyHeaders,
  type Reply,
} from '@gatelet/core'
import type { Principal } from '../principal.ts'
import { type IdentityOptions, identityChecks } from './options.ts'
import { OwnTokens } from './own-token.ts'
import { Stripper } from './stripper.ts'

/**
 * Tells the upstream who is asking. First it takes away whatever a client has sent in the fields that the upstream believes, in every
 * spelling, also for anonymous requests; then it sets them anew from the principal. Stands behind `auth`; in front of an
 * upstream that believes such fields it must stand on every way that leads there.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(auth(verifier)).use(identity({ headers: { 'x-user': ({ subject }) => subject } })).to(proxy(orders))
 */
export function identity<P extends Principal<object> = Principal>(
  given: IdentityOptions<P>,
): Middleware<{ readonly principal?: P | undefined }, {}> {
  const {
    headers = {},
    token,
    strip = [],
    stripCredentials = false,
  } = checkOptions('identity', given, identityChecks) as unknown as IdentityOptions<P>
  const tokens = token && new OwnTokens(token as never)
  const tokenField = token?.header ?? 'x-identity'
  const credentials =
    stripCredentials === false ? [] : ['authorization', 'dpop', ...(stripCredentials === true ? [] : stripCredentials)]
  const stripper = new Stripper([...Object.keys(headers), ...(token ? [tokenField] : []), ...strip, ...credentials])
  const fields = Object.entries(headers)

  function told(ctx: Context, principal: P | undefined, next: Handler, text?: string): MaybePromise<Reply> {
    const { headers: sent } = ctx.request
    const stripped = stripper.strip(sent)
    if (!principal) return next(stripped === sent ? ctx : ctx.withRequest({ headers: stripped }))
    return next(ctx.withRequest({ headers: withIdentity(stripped, principal, text) }))
  }

  function withIdentity(stripped: ReadonlyHeaders, principal: P, text: string | undefined): ReadonlyHeaders {
    const list = stripped.clone()
    for (const [name, say] of fields) {
      const value = atOnce(say(principal), name)
      if (value !== undefined) list.set(name, carried(value))
    }
    if (text !== undefined) list.set(tokenField, tokenField === 'authorization' ? `Bearer ${text}` : text)
    return list
  }

  return function identity(ctx, next) {
    const { principal } = ctx.state
    if (!tokens || !principal) return told(ctx, principal, next as Handler)
    const known = tokens.known(principal)
    if (known !== undefined) return told(ctx, principal, next as Handler, known)
    return tokens.sign(principal).then((text) => told(ctx, principal, next as Handler, text))
  }
}

/** A text as a field can carry it: what is not printable ASCII is percent-encoded, and `%` itself, so that it can be read back. */
function carried(value: string): string {
  const plain = /^[\x21-\x24\x26-\x7e](?:[\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?$/
  if (value === '' || plain.test(value)) return value
  const inner = value.replace(/[^\x20-\x24\x26-\x7e]+/gu, (text) => encodeURIComponent(toUSVString(text)))
  // Space at the ends would be taken for white space around the value.
  return inner.replace(/^ +| +$/g, (spaces) => spaces.replaceAll(' ', '%20'))
}
