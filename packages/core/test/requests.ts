import { type Body, HeaderList, type IncomingRequest } from '@gatelet/core'

/** `GET http://a.example/a?b`, as an adapter hands it on. */
export function request(more: { headers?: Record<string, string>; body?: Body } = {}): IncomingRequest {
  return {
    method: 'GET',
    url: { scheme: 'http', host: 'a.example', port: undefined, path: '/a', search: '?b' },
    target: '/a?b',
    headers: new HeaderList(more.headers),
    body: more.body ?? null,
    client: { address: '192.0.2.1', peer: '192.0.2.1', viaTrustedProxy: false },
    kind: 'request',
    protocol: '1.1',
  }
}
