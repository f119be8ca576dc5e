/** One kind of request, asked over and over. */
export interface Payload {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Bytes of the request's body. */
  readonly sent: number
  /** Bytes of the reply's body. */
  readonly received: number
}

/** What is measured. The first is the main one: small requests are where a proxy's own work shows. */
export const payloads: readonly Payload[] = [
  { name: '1 KiB GET', method: 'GET', path: '/small/42', sent: 0, received: 1024 },
  { name: '10 KiB POST', method: 'POST', path: '/upload/42', sent: 10_240, received: 1024 },
  { name: '100 KiB GET', method: 'GET', path: '/large/42', sent: 0, received: 102_400 },
]

/** What a browser or a service would send along. */
export const requestHeaders: Readonly<Record<string, string>> = {
  accept: 'application/json',
  'accept-language': 'en-GB,en;q=0.9',
  authorization: 'Bearer 3f9c1d6e7a',
  cookie: 'session=8b1a9953c4611296; theme=dark',
  'user-agent': 'gatelet-benchmarks/1.0',
}

/** What the origin says beside its length, its date and its name. */
export const replyHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'private, max-age=0',
  'content-type': 'application/octet-stream',
  vary: 'accept-language',
  'x-content-type-options': 'nosniff',
}

/** Connections that the load keeps open, each with one request at a time. */
export const connections = 64
