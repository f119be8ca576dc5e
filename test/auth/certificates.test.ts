import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:tls'
import { auth, certificate, firstOf, jwt, role, scope } from '@gatelet/auth'
import { chain, type Handler, HeaderList, json, type Reply, switchProtocols } from '@gatelet/core'
import { type ServeOptions, serve } from '@gatelet/node'
import { describe, expect, test } from 'vitest'
import { certificateThumbprint } from '../../packages/auth/src/certificate/certificate.ts'
import { pair, token } from '../../packages/auth/test/issuer.ts'
import { authority, type TestCertificate, certificate as testCertificate } from '../certificates/certificates.ts'

const issuer = 'https://id.example.com/'
const signer = await pair('k1')
const [client, stranger, another] = [testCertificate('client'), testCertificate('stranger'), testCertificate('a')]
const thumbprint = (one: TestCertificate) => certificateThumbprint(new X509Certificate(one.cert))
const boundTo = (one: TestCertificate) => token(signer, issuer, { claims: { cnf: { 'x5t#S256': thumbprint(one) } } })

const tokens = jwt({ issuer, audience: 'api', algorithms: ['ES256'], keys: [signer.jwk] }, { certificate: {} })
const devices = certificate({
  identify: ({ subject }) => (subject === 'CN=client' ? { subject: 'device-7', roles: ['device'], scopes: ['read'] } : undefined),
})

const answer: Handler<{ principal: { subject: string; scheme: string } }> = ({ request, state: { principal } }) =>
  request.kind === 'upgrade' ? hangsUp() : json({ subject: principal.subject, scheme: principal.scheme })

function hangsUp(): Reply {
  const upgrade: Reply['upgrade'] = (socket, _, headers) => {
    switchProtocols(socket, headers)
    socket.end()
  }
  return { status: 101, headers: new HeaderList(), body: null, upgrade }
}

const api = chain()
  .use(auth(firstOf(tokens, devices), { require: scope('read') }))
  .to(answer)

const serving = (handler: Handler, more: Partial<ServeOptions> = {}) => {
  const { cert, key } = another
  const tls = { cert, key, clientCertificates: { ca: authority, required: false } }
  return serve(handler, { port: 0, host: '127.0.0.1', tls, ...more })
}

interface Asking {
  readonly by?: TestCertificate
  readonly fields?: readonly string[]
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
}

/** The whole answer to one request over a TLS connection of its own. */
async function ask(port: number, { by, fields = [], version = 'TLSv1.3' }: Asking): Promise<string> {
  const identity = by ? { cert: by.cert, key: by.key } : {}
  const versions = { minVersion: version, maxVersion: version }
  const socket = connect({ port, host: '127.0.0.1', ca: authority, servername: 'a.test', ...versions, ...identity })
  await once(socket, 'secureConnect')
  const close = fields.includes('Connection: Upgrade') ? [] : ['Connection: close']
  socket.write(`${['GET /x HTTP/1.1', 'Host: a.test', ...close, ...fields].join('\r\n')}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

const statusOf = (text: string) => Number(text.slice(9, 12))
const bearer = (text: string) => `Authorization: Bearer ${text}`
const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  test.each<[string, () => Promise<Asking> | Asking, number, RegExp]>([
    ['the certificate of a client', () => ({ by: client }), 200, /"subject":"device-7","scheme":"certificate"/],
    ['one that nobody vouches for', () => ({ by: stranger }), 401, /www-authenticate: .*Certificate/i],
    [
      'one that is vouched for and of nobody that is known',
      () => ({ by: another }),
      401,
      /www-authenticate: Certificate realm="api"/i,
    ],
    ['nothing', () => ({}), 401, /www-authenticate: Bearer realm="api"/i],
    [
      'a token that is bound to the certificate',
      async () => ({ by: client, fields: [bearer(await boundTo(client))] }),
      200,
      /"subject":"ada","scheme":"bearer"/,
    ],
    ['one without its certificate', async () => ({ fields: [bearer(await boundTo(client))] }), 401, /error="invalid_token"/],
    [
      'one with another certificate that is vouched for',
      async () => ({ by: another, fields: [bearer(await boundTo(client))] }),
      401,
      /error="invalid_token"/,
    ],
    [
      'one that is bound to a certificate that nobody vouches for',
      async () => ({ by: stranger, fields: [bearer(await boundTo(stranger))] }),
      401,
      /error="invalid_token"/,
    ],
    [
      'a bad token beside the certificate of a client',
      () => ({ by: client, fields: ['Authorization: Bearer a.b.c'] }),
      401,
      /error="invalid_token"/,
    ],
  ])('%s', async (_, asking, status, text) => {
    await using server = await serving(api)
    const said = await ask(server.port, { version, ...(await asking()) })
    expect(statusOf(said)).toBe(status)
    expect(said).toMatch(text)
  })
})

test('a token that was good with its certificate is refused on the next connection without it', async () => {
  await using server = await serving(api)
  const fields = [bearer(await boundTo(client))]
  expect(statusOf(await ask(server.port, { by: client, fields }))).toBe(200)
  expect(statusOf(await ask(server.port, { fields }))).toBe(401)
  expect(statusOf(await ask(server.port, { by: another, fields }))).toBe(401)
  expect(statusOf(await ask(server.port, { by: client, fields }))).toBe(200)
})

test('WebSocket handshakes and streams of HTTP/2 are asked for the same certificate', async () => {
  await using server = await serving(api)
  const fields = [...handshake, bearer(await boundTo(client))]
  expect(statusOf(await ask(server.port, { by: client, fields }))).toBe(101)
  expect(statusOf(await ask(server.port, { by: client, fields: handshake }))).toBe(101)
  expect(statusOf(await ask(server.port, { by: another, fields }))).toBe(401)
  expect(statusOf(await ask(server.port, { fields: handshake }))).toBe(401)
  for (const [by, status] of [
    [client, 200],
    [another, 401],
    [stranger, 401],
  ] as const) {
    const session = connectHttp2(server.url, { ca: authority, servername: 'a.test', cert: by.cert, key: by.key })
    const stream = session.request({ ':path': '/x', ...(by === client ? { authorization: `Bearer ${await boundTo(by)}` } : {}) })
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
    expect(headers[':status']).toBe(status)
    session.destroy()
  }
})

test('what a client says of its certificate in a field is not believed, whatever the connection has', async () => {
  const told = certificate({ header: 'client-cert', identify: () => ({ subject: 'anybody', roles: ['device'] }) })
  const handler = chain()
    .use(auth(told, { require: role('device') }))
    .to(answer)
  const field = `Client-Cert: :${client.cert.replace(/-----[A-Z ]+-----|\s/g, '')}:`
  await using server = await serving(handler)
  expect(statusOf(await ask(server.port, { fields: [field] }))).toBe(401)
  expect(statusOf(await ask(server.port, { by: client, fields: [field] }))).toBe(401)
  await using behind = await serving(handler, { trustedProxies: ['127.0.0.1'] })
  expect(statusOf(await ask(behind.port, { fields: [field] }))).toBe(200)
  expect(statusOf(await ask(behind.port, { fields: [field, field] }))).toBe(400)
})
