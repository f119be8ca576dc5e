import { type Claims, type Principal, principalOf, type Verdict, type Verifier } from '@gatelet/auth'
import { type Context, Exchange, type Handler, HeaderList, type IncomingRequest, type Reply, run, text } from '@gatelet/core'

/** A request as an adapter would make it. */
export function contextOf(headers: Record<string, string> = {}, change: Partial<IncomingRequest> = {}): Context {
  const request: IncomingRequest = {
    method: 'GET',
    url: { scheme: 'https', host: 'api.example.com', port: undefined, path: '/', search: '' },
    target: '/',
    headers: new HeaderList(headers),
    body: null,
    client: { address: '192.0.2.1', peer: '192.0.2.1', viaTrustedProxy: false },
    kind: 'request',
    protocol: '1.1',
    ...change,
  }
  return new Exchange({ inform() {} }).open(request)
}

/** What an adapter would write. */
export const replyOf = (handler: Handler, ctx: Context = contextOf()): Promise<Reply> =>
  new Promise((resolve) => run(handler, ctx, resolve))

/** A verifier that says what it is told to, at once or later. */
export function saying<C extends object = Claims>(verdict: Verdict<C>, scheme = 'Bearer', isLate = false): Verifier<C> {
  return { challenges: [{ scheme, params: {} }], verify: () => (isLate ? Promise.resolve(verdict) : verdict) }
}

export const ada: Principal = principalOf({ subject: 'ada', scheme: 'bearer', scopes: ['read', 'write'], roles: ['admin'] })

export const hello: Handler = () => text('hello')
