import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Context, type HeaderList, hasToken } from '@gatelet/core'
import { cookieValues } from './cookie-values.ts'
import type { SplitCookie } from './split-options.ts'

const BUCKETS = 1_000_000

/** Reads and writes the number that keeps a client at its backend. */
export class StickyCookie {
  private readonly name: string
  private readonly secret: string | undefined
  private readonly secure: boolean | undefined
  private readonly attributes: string

  constructor({ cookie, secret, maxAgeS, sameSite = 'lax', secure, path = '/' }: SplitCookie) {
    this.name = cookie
    this.secret = secret
    this.secure = secure
    const site = `${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`
    this.attributes = `; Path=${path}; HttpOnly; SameSite=${site}${maxAgeS === undefined ? '' : `; Max-Age=${maxAgeS}`}`
  }

  /** @param chance from 0 to 1, below 1 */
  fresh(chance: number): string {
    return Math.floor(chance * BUCKETS).toString(36)
  }

  /** @returns undefined for none that we made */
  read({ request }: Context): string | undefined {
    for (const value of cookieValues(request.headers, this.name)) {
      const [bucket = '', signature] = value.split('.', 2)
      const isBucket = /^[0-9a-z]{1,4}$/.test(bucket) && Number.parseInt(bucket, 36) < BUCKETS
      if (isBucket && value === this.token(bucket, signature)) return bucket
    }
    return undefined
  }

  write(headers: HeaderList, bucket: string, { request }: Context): void {
    const secure = (this.secure ?? request.url.scheme === 'https') ? '; Secure' : ''
    headers.append('set-cookie', `${this.name}=${this.token(bucket)}${this.attributes}${secure}`)
    // A cache that hands this reply to everybody would make one client of them.
    if (!hasToken(headers, 'cache-control', 'private') && !hasToken(headers, 'cache-control', 'no-store')) {
      headers.append('cache-control', 'private')
    }
  }

  /** With a signature that is `claimed`: undefined unless it is right. */
  private token(bucket: string, claimed?: string): string | undefined {
    if (this.secret === undefined) return bucket
    const signature = createHmac('sha256', this.secret).update(`split ${this.name} ${bucket}`).digest('base64url').slice(0, 22)
    return claimed === undefined || isSame(signature, claimed) ? `${bucket}.${signature}` : undefined
  }
}

function isSame(a: string, b: string): boolean {
  // Of bytes, not of characters: what a client sends may have some of two, and lengths that differ are an error there.
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
