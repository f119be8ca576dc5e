import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Context, GatewayError } from '@gatelet/core'

/** The header that carries the token. A page of another origin cannot send it without being asked for permission first. */
const TOKEN_HEADER = 'x-csrf-token'

/**
 * Tokens that only a page of our own can read. Good for one process, and for one principal where `auth` stands in front: another
 * user's token is worth nothing.
 */
export class CsrfTokens {
  private readonly key = randomBytes(32)

  for(context: Context): string {
    return this.tag(context).toString('base64url')
  }

  /** @throws GatewayError `FORBIDDEN` */
  check(context: Context): void {
    const given = Buffer.from(context.request.headers.get(TOKEN_HEADER) ?? '', 'base64url')
    const right = this.tag(context)
    if (given.length !== right.length || !timingSafeEqual(given, right))
      throw new GatewayError('FORBIDDEN', { detail: `${TOKEN_HEADER} must carry the token of api/v1/session` })
  }

  private tag({ state }: Context): Buffer {
    const { principal } = state as { readonly principal?: { readonly subject?: unknown } }
    return createHmac('sha256', this.key)
      .update(String(principal?.subject ?? ''))
      .digest()
  }
}
