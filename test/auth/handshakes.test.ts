import { auth, firstOf, jwt, scope } from '@gatelet/auth'
import { chain, type Handler, HeaderList, type Layer, type Reply, switchProtocols, text } from '@gatelet/core'
import { toFetch } from '@gatelet/fetch'
import { serve } from '@gatelet/node'
import { rawRequest, type StartAdapter } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { pair, token } from '../../packages/auth/test/issuer.ts'
import { expresses } from '../../packages/express/test/expresses.ts'
import { starter as expressStarter } from '../../packages/express/test/starter.ts'
import { koas } from '../../packages/koa/test/koas.ts'
import { starter as koaStarter } from '../../packages/koa/test/starter.ts'

const issuer = 'https://id.example.com/'
const [key, stranger] = await Promise.all([pair('k1'), pair('k1')])
const jwtOptions = { issuer, audience: 'api', algorithms: ['ES256'], keys: [key.jwk] } as const
// Nobody listens there: the keys of this issuer cannot be had.
const away = { issuer: 'http://127.0.0.1:9', audience: 'api', algorithms: ['ES256'] } as const

const hello: Handler = ({ request }) => (request.kind === 'upgrade' ? hangsUp() : text('hello'))

function hangsUp(): Reply {
  return {
    status: 101,
    headers: new HeaderList(),
    body: null,
    upgrade(socket, _, headers) {
      switchProtocols(socket, headers)
      socket.end()
    },
  }
}

const members: Layer = chain()
  .use(auth(jwt([jwtOptions, away]), { require: scope('read') }))
  .to(hello)

const node: StartAdapter = async ({ layer }) => {
  const server = await serve(layer, { port: 0, host: '127.0.0.1' })
  return { port: server.port, close: () => server.close({ graceMs: 0 }).then(() => {}) }
}

const fronts: readonly (readonly [string, StartAdapter])[] = [
  ['node', node],
  ...expresses.map(([name, express]) => [name, expressStarter(express)] as const),
  ...koas.map(([name, Koa]) => [name, koaStarter(Koa)] as const),
]

const handshake =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='

const credentials: readonly [string, () => Promise<string> | undefined, number, RegExp | undefined][] = [
  ['no credential', () => undefined, 401, /^Bearer realm="api"$/],
  ['a token of a stranger', () => token(stranger, issuer), 401, /error="invalid_token"/],
  ['a token that has ended', () => token(key, issuer, { claims: { exp: 1 } }), 401, /error="invalid_token"/],
  [
    'a token without a scope',
    () => token(key, issuer, { claims: { scope: '' } }),
    403,
    /error="insufficient_scope", scope="read"/,
  ],
  ['what is no token', async () => 'a b', 400, /error="invalid_request"/],
  ['a token whose issuer is away', () => token(key, away.issuer), 503, undefined],
]

describe.each(fronts)('behind %s', (_, start) => {
  const ask = async (port: number, fields: string, signed: string | undefined) => {
    const authorization = signed === undefined ? '' : `Authorization: Bearer ${signed}\r\n`
    const reply = await rawRequest(port, `GET /chat HTTP/1.1\r\nHost: a.test\r\n${authorization}${fields}\r\n\r\n`)
    const response = reply.responses.at(-1)
    return { status: response?.status, challenge: response?.headers.get('www-authenticate'), closed: reply.closed }
  }

  test.each(credentials)('a handshake with %s is refused as a request is', async (__, make, status, challenge) => {
    const front = await start({ layer: members, upgrades: true })
    try {
      const signed = await make()
      const upgraded = await ask(front.port, handshake, signed)
      const plain = await ask(front.port, 'Connection: close', signed)
      expect(upgraded.status).toBe(status)
      expect(upgraded.closed).not.toBe('open')
      expect(plain.status).toBe(status)
      if (challenge) expect([upgraded.challenge, plain.challenge]).toEqual([expect.stringMatching(challenge), upgraded.challenge])
    } finally {
      await front.close()
    }
  })

  test('a handshake with a good token gets its socket', async () => {
    const front = await start({ layer: members, upgrades: true })
    try {
      expect((await ask(front.port, handshake, await token(key, issuer))).status).toBe(101)
      expect((await ask(front.port, 'Connection: close', await token(key, issuer))).status).toBe(200)
    } finally {
      await front.close()
    }
  })
})

describe('in a fetch host', () => {
  test.each(credentials)('a handshake with %s is refused as a request is', async (_, make, status) => {
    const signed = await make()
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      ...(signed === undefined ? {} : { authorization: `Bearer ${signed}` }),
    }
    const response = await toFetch(members)(new Request('https://a.test/chat', { headers }))
    expect(response.status).toBe(status)
  })
})

test('each of several verifiers is asked about handshakes, too', async () => {
  const layer = chain()
    .use(auth(firstOf(jwt(jwtOptions), jwt(away))))
    .to(hello)
  await using server = await serve(layer, { port: 0, host: '127.0.0.1' })
  const reply = await rawRequest(server.port, `GET / HTTP/1.1\r\nHost: a.test\r\n${handshake}\r\n\r\n`)
  expect(reply.responses.map(({ status }) => status)).toEqual([401])
})
