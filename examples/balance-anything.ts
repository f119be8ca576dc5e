// Two things that are balanced: replicas of a database, called by a function, and a service that is both proxied to and called.
import { connect } from 'node:net'
import { createBalancer, createRouter, json, problem, proxy, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { balancedFetch } from 'gatelet/proxy'

const { REPLICAS = '5001 5002', USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

/** What the database has against a query; the replica is well. */
class RefusedQuery extends Error {}

// Stands for your driver or pool: one question and one answer, each over a connection of its own.
const replica = (port: number) => ({
  async query(text: string, signal: AbortSignal): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', signal })
    socket.end(`${text}\n`)
    let answer = ''
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk
    if (answer.startsWith('ERR')) throw new RefusedQuery(answer)
    return answer
  },
})

subscribe('endpoint:changed', ({ endpoint, change }) => console.log(`${endpoint.id} ${change}`))

const replicas = new Map(REPLICAS.split(' ').map((port) => [`replica-${port}`, replica(Number(port))]))
const database = createBalancer({
  endpoints: [...replicas].map(([id, value]) => ({ id, value })),
  strategy: 'least-requests',
  limits: { perEndpoint: 10 },
  queue: { size: 100, timeoutMs: 500 },
  health: async ({ id }, { signal }) => (await replicas.get(id)?.query('ping', signal)) === 'pong',
})

async function order(id: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await database.run((it, call) => it.query(`order ${id}`, call.signal), {
      signal,
      timeoutMs: 1_000,
      retries: 1, // a read: doing it twice does no harm
      isFailure: (error) => !(error instanceof RefusedQuery),
    })
  } catch (error) {
    if (error instanceof RefusedQuery) return undefined
    throw error
  }
}

const users = createBalancer({ endpoints: USERS.split(' '), ejection: { consecutiveFailures: 3 } })
const forward = proxy(users)
const fetchUsers = balancedFetch(users, { timeouts: { headersMs: 1_000 } })

const router = createRouter()
  .route({ path: '/users/*rest' }, forward)
  .get('/orders/:id', async (ctx) => {
    const found = await order(ctx.state.params.id, ctx.signal)
    if (found === undefined) return problem({ status: 404, title: 'There is no such order' })
    const user = await fetchUsers('/users/7', { signal: ctx.signal })
    return json({ order: found, user: await user.json() })
  })
  .get('/servers', () =>
    json([...database.endpoints, ...users.endpoints].map(({ id, state, inflight }) => ({ id, state, inflight }))),
  )
const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/orders/1`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await Promise.all([fetchUsers.close(), forward.close()])
  await Promise.all([database.close(), users.close()])
})
