import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import { Issuer, pair, token } from '../packages/auth/test/issuer.ts'
import { example, textOf } from '../test/example-program.ts'

/** What becomes of a handshake: the status, or what the server behind says first. */
async function open(
  url: string,
  protocols: string[],
  options: ClientOptions = {},
): Promise<{ said: unknown; socket: WebSocket }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`, protocols, options)
  const refused = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (request, { statusCode = 0 }) => {
      request.destroy()
      resolve(statusCode)
    })
  })
  socket.on('error', () => {})
  const message = once(socket, 'message').then(([data]) => JSON.parse(String(data)) as unknown)
  return { said: await Promise.race([refused, message]), socket }
}

test('the guide protect-an-api shows the program as it is', () => {
  const program = textOf('examples/protect-websockets.ts')
  expect(textOf('docs/guides/protect-an-api.md')).toContain(`<!-- examples/protect-websockets.ts -->\n\`\`\`ts\n${program}\`\`\``)
})

test('protect-websockets: pages come by a cookie from our origins, apps by a token in the protocol, and nobody else', async () => {
  const behind = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(behind, 'listening')
  behind.on('connection', (socket, { headers }) => {
    const { authorization = null, cookie = null } = headers
    socket.send(JSON.stringify({ user: headers['x-user'], protocol: headers['sec-websocket-protocol'], authorization, cookie }))
  })
  const signer = await pair('k1', 'RS256')
  const issuer = await Issuer.start([signer])
  const { program, url } = await example('protect-websockets.ts', {
    ISSUER: issuer.url,
    CHAT: `http://127.0.0.1:${(behind.address() as AddressInfo).port}`,
    SESSION_SECRET: 'a secret of at least 32 characters',
    ADA_PASSWORD: 'right',
  })
  await using _ = program
  const logIn = (password: string) => {
    const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
    return fetch(`${url}/login`, { method: 'POST', headers: { authorization, origin: url } })
  }
  const reply = await logIn('right')
  expect(reply.status).toBe(204)
  const cookie = reply.headers.getSetCookie()[0]?.split(';')[0] ?? ''

  // A page of ours, that of the app, and one of somebody else's with the user's cookie.
  for (const origin of [url, 'https://app.example.com']) {
    const { said, socket } = await open(url, [], { headers: { cookie, origin } })
    expect(said).toMatchObject({ user: 'ada', authorization: null, cookie: null })
    socket.terminate()
  }
  for (const headers of [{ cookie, origin: 'https://evil.example' }, { cookie, origin: 'null' }, { cookie }])
    expect((await open(url, [], { headers: headers as Record<string, string> })).said).toBe(403)

  // A token in the protocol, which goes no further.
  const claims = { aud: 'https://chat.example.com', sub: 'bob', exp: Math.floor(Date.now() / 1_000) + 3 }
  const signed = await token(signer, issuer.url, { claims })
  const { said, socket } = await open(url, ['chat', `bearer.${signed}`])
  expect(said).toEqual({ user: 'bob', protocol: 'chat', authorization: null, cookie: null })
  const forged = await token(await pair('k1', 'RS256'), issuer.url, { claims })
  expect((await open(url, ['chat', `bearer.${forged}`])).said).toBe(401)
  expect((await open(url, ['chat', `bearer.${forged}`], { headers: { cookie, origin: url } })).said).toBe(401)
  expect((await open(url, ['chat', `bearer.${signed}`, `bearer.${forged}`])).said).toBe(400)
  expect((await open(url, ['chat'])).said).toBe(401)

  // It is closed when the token has ended.
  await once(socket, 'close')
  expect(Date.now()).toBeGreaterThanOrEqual(claims.exp * 1_000 - 50)

  // Who guesses is told to wait, also with the right password then.
  for (let guess = 0; guess < 5; guess++) expect((await logIn('wrong')).status).toBe(401)
  expect((await logIn('right')).status).toBe(429)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  await issuer.close()
  behind.close()
}, 30_000)
