import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { HttpRoute } from './http-route.ts'
import { play } from './rows.ts'
import { type Scene, scene } from './scene.ts'

// The protocol of a backend: appProtocol `kubernetes.io/h2c` and `kubernetes.io/ws` of its Service (GEP-1911).

play([
  {
    spec: 'ServicePort.appProtocol kubernetes.io/h2c',
    rule: 'the backend is asked by HTTP/2 without TLS, whatever the client speaks',
    routes: [
      { rules: [{ matches: [{ path: { value: '/h2c' } }], backendRefs: [{ name: 'h2c' }] }, { backendRefs: [{ name: 'v1' }] }] },
    ],
    asks: {
      'GET /h2c': { backend: 'h2c', version: '2.0' },
      'GET shop.example/h2c/a%20b?c=d': { backend: 'h2c', version: '2.0', host: 'shop.example', path: '/h2c/a%20b?c=d' },
      'GET /h2c | X-Own: v | X-Drop: v | Connection: x-drop': {
        backend: 'h2c',
        version: '2.0',
        sees: { 'x-own': 'v', 'x-drop': undefined, connection: undefined },
      },
      'POST /h2c': { backend: 'h2c', version: '2.0' },
      'GET /h2c | Upgrade: h2c | HTTP2-Settings: AAMAAABk': {
        backend: 'h2c',
        version: '2.0',
        sees: { upgrade: undefined, 'http2-settings': undefined },
      },
      'GET /other': { backend: 'v1', version: '1.1' },
    },
  },
])

describe('ServicePort.appProtocol kubernetes.io/ws', () => {
  const routes: HttpRoute[] = [
    {
      rules: [
        { matches: [{ path: { value: '/ws' } }], backendRefs: [{ name: 'v1' }] },
        { matches: [{ path: { value: '/ws' }, headers: [{ name: 'version', value: 'two' }] }], backendRefs: [{ name: 'v2' }] },
        {
          matches: [{ path: { value: '/rewritten' } }],
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: { hostname: 'b.test', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x' } },
            },
          ],
          backendRefs: [{ name: 'v1' }],
        },
        {
          matches: [{ path: { value: '/mirrored' } }],
          filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'v2' } } }],
          backendRefs: [{ name: 'v1' }],
        },
        { matches: [{ path: { value: '/invalid' } }], backendRefs: [{ name: 'nobody' }] },
      ],
    },
  ]
  let gateway: Scene
  let client: WebSocket | undefined
  afterEach(async () => {
    client?.terminate()
    await gateway[Symbol.asyncDispose]()
  })

  /** What the backend was asked for, and hits of `v1` and `v2`, once a message has been there and back. */
  async function opened(path: string, headers: Record<string, string> = {}): Promise<readonly [string, number, number]> {
    gateway = await scene(routes)
    client = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers: { host: 'a.test', ...headers } })
    const [greeting] = await once(client, 'message')
    client.send('there and back')
    expect(String((await once(client, 'message'))[0])).toBe('there and back')
    return [String(greeting), gateway.origins[0]?.hits ?? 0, gateway.origins[1]?.hits ?? 0]
  }

  test('a handshake goes where its rule says, and messages pass both ways', async () => {
    expect(await opened('/ws/room?x=1')).toEqual(['a.test/ws/room?x=1', 1, 0])
  })

  test('header matches hold for handshakes', async () => {
    expect(await opened('/ws', { version: 'two' })).toEqual(['a.test/ws', 0, 1])
  })

  test('filters hold for handshakes', async () => {
    expect(await opened('/rewritten/room')).toEqual(['b.test/x/room', 1, 0])
  })

  // A mirror that answered 101 would hold a connection that nobody speaks on.
  test('a handshake is not mirrored', async () => {
    expect(await opened('/mirrored')).toEqual(['a.test/mirrored', 1, 0])
  })

  test.each([
    ['/nowhere', 404],
    ['/invalid', 500],
  ])('a handshake for %s is refused as any request is, with %i', async (path, status) => {
    gateway = await scene(routes)
    client = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`)
    client.on('error', () => {})
    const [, response] = await once(client, 'unexpected-response')
    expect(response.statusCode).toBe(status)
  })
})
