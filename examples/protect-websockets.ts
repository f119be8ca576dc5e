// A chat over WebSockets: pages come with the cookie of a session, and from our own origin; apps with a token, where browsers leave room.
import { auth, chain, createBalancer, createRouter, empty, type Middleware, proxy, rateLimit, serve } from 'gatelet'
import { type AuthState, basic, claimedUser, firstOf, fixedUsers, identity, jwt, sameOrigin, session } from 'gatelet/auth'

const { ISSUER = 'https://id.example.com/', CHAT = 'http://10.0.0.1:4001', PORT = '8080' } = process.env
const { SESSION_SECRET = '', ADA_PASSWORD = '', APP = 'https://app.example.com' } = process.env

const sessions = session({ secrets: SESSION_SECRET })
const tokens = jwt({ issuer: ISSUER, audience: 'https://chat.example.com', algorithms: ['RS256'] })

// `new WebSocket(url, ['chat', 'bearer.' + token])`: a page can say nothing else of its own. The server behind hears of `chat` alone.
const tokenOfProtocol: Middleware = (ctx, next) => {
  const { kind, headers } = ctx.request
  const offered = headers.get('sec-websocket-protocol')?.split(/, */) ?? []
  const [token, ...others] = offered.filter((one) => one.startsWith('bearer.'))
  if (kind !== 'upgrade' || token === undefined) return next(ctx)
  // Two credentials: which one counts must not be a matter of taste.
  if (others.length > 0 || headers.has('authorization')) return empty(400)
  const changed = headers.clone().set('authorization', `Bearer ${token.slice('bearer.'.length)}`)
  const left = offered.filter((one) => one !== token)
  if (left.length > 0) changed.set('sec-websocket-protocol', left.join(', '))
  else changed.delete('sec-websocket-protocol')
  return next(ctx.withRequest({ headers: changed }))
}

// A WebSocket lives on when what proved it has ended, unless somebody ends it.
const untilExpiry: Middleware<AuthState> = async (ctx, next) => {
  const reply = await next(ctx)
  const { upgrade } = reply
  const { expiresAt } = ctx.state.principal
  if (!upgrade || expiresAt === undefined) return reply
  reply.upgrade = (socket, head, headers) => {
    const timer = setTimeout(() => socket.destroy(), Math.min(expiresAt - Date.now(), 2 ** 31 - 1))
    socket.once('close', () => clearTimeout(timer))
    upgrade(socket, head, headers)
  }
  return reply
}

// Who guesses is held up, whatever the name and wherever from, and costs nothing then.
const failures = rateLimit({
  policies: [
    { name: 'address', limit: 20, per: '5m' },
    { name: 'user', limit: 5, per: '5m', key: claimedUser },
  ],
  refund: (status) => status !== 401,
  headers: false,
})
const login = chain()
  .use(failures)
  .use(auth(basic({ check: fixedUsers({ ada: ADA_PASSWORD }) })))
  .to(async ({ state: { principal } }) => {
    return empty({ status: 204, headers: { 'set-cookie': await sessions.create({ subject: principal.subject }) } })
  })

const balancer = createBalancer({ endpoints: CHAT.split(' ') })
const chat = proxy(balancer)
const members = chain()
  .use(tokenOfProtocol)
  .use(auth(firstOf(tokens, sessions)))
  .use(
    rateLimit<AuthState>({ limit: 30, per: '1m', key: ({ state: { principal } }) => `${principal.scheme} ${principal.subject}` }),
  )
  // The issuer may know another ada than we do.
  .use(
    identity({
      headers: { 'x-user': ({ subject }) => subject, 'x-user-of': ({ issuer }) => issuer ?? 'us' },
      stripCredentials: ['cookie'],
    }),
  )
  .use(untilExpiry)
  .to(chat)

const routes = createRouter().post('/login', login).get('/chat', members)
// In front of all: a cookie is sent by browsers whoever has made the page.
const server = await serve(
  chain()
    .use(sameOrigin({ allow: [APP] }))
    .to(routes),
  { port: Number(PORT), host: '127.0.0.1' },
)
console.log(`listening on ${server.url} `)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 1_000 })
  await chat.close()
  await balancer.close()
})
