// An API with the limits that APIs have: per client, for log-ins, for slow reports, and for what an API key has paid for.
import { chain, createRouter, json, problem, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { byApiKey, type RatePolicyOptions, rateLimit } from 'gatelet/rate-limiter'

// Everybody: 20 at once, 100 a minute.
const perClient = rateLimit({ name: 'client', limit: 100, per: '1m', burst: 20, allow: ['10.0.0.0/8'] })

// Who guesses passwords: only attempts that failed count. After ten refusals nobody is let in from there for an hour.
const login = rateLimit({
  policies: [
    { name: 'attempts', limit: 3, per: '1m', algorithm: 'fixed' },
    { name: 'attempts-a-day', limit: 20, per: 'day' },
  ],
  refund: (status) => status < 400,
  ban: { after: 10, within: '10m', for: '1h' },
})

// Reports are slow: two at a time for each client, others wait their turn.
const reports = rateLimit({ limit: 2, algorithm: 'concurrency', mode: 'queue', wait: { max: '10s', perKey: 5 } })

// What a key has paid for, in tokens: taken in advance, and settled when it is known how many it were.
const plans: Readonly<Record<string, RatePolicyOptions>> = {
  gold: { name: 'tokens', limit: 100_000, per: 'day' },
  free: { name: 'tokens', limit: 1_000, per: 'day' },
}
const planOf = async (_key: string) => plans['free']
const tokens = rateLimit({ name: 'tokens', limit: 100, per: 'day', key: byApiKey(), cost: 50, plan: planOf, as: 'tokens' })

const router = createRouter()
  .get('/hello', () => json({ hello: 'world' }))
  .post(
    '/login',
    chain()
      .use(login)
      .to(({ request }) =>
        request.headers.get('authorization') === 'Basic YWRhOjE=' ? json({ ok: true }) : problem({ status: 401, title: 'No' }),
      ),
  )
  .get(
    '/report',
    chain()
      .use(reports)
      .to(async () => {
        await new Promise((resolve) => setTimeout(resolve, 100))
        return json({ rows: 1_000 })
      }),
  )
  .post(
    '/complete',
    chain()
      .use(tokens)
      .to(async (ctx) => {
        const used = 7
        await ctx.state.tokens.settle(used)
        return json({ text: 'Once upon a time', used })
      }),
  )

subscribe('rate:decided', ({ context, verdict }) => {
  if (!verdict.allowed) console.log(`${context.request.client.address} is refused (${verdict.reason})`)
})
subscribe('rate:banned', ({ key, forMs }) => console.log(`${key} is banned for ${forMs / 60_000} minutes`))

const server = await serve(chain().use(perClient).to(router), { port: Number(process.env['PORT'] ?? 8080), host: '127.0.0.1' })
console.log(`listening on ${server.url} `)
process.once('SIGTERM', () => void server.close({ graceMs: 1_000 }))
