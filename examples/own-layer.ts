// Layers of one's own: one that measures, and one that lets members in and tells what stands behind it who they are.
import { chain, createRouter, json, type Middleware, problem, serve } from 'gatelet'

interface Asking {
  member: string
}

const members = new Map([
  ['k-ada', 'Ada'],
  ['k-bob', 'Bob'],
])

/** Answers by itself when nobody it knows is asking; `next` gets a context that knows more. */
const onlyMembers: Middleware<{}, Asking> = (ctx, next) => {
  const member = members.get(ctx.request.headers.get('x-api-key') ?? '')
  return member === undefined
    ? problem({ status: 401, title: 'Who are you?', detail: 'X-Api-Key is missing or not known' })
    : next(ctx.with({ member }))
}

/** Waits for the reply and adds to it. */
const timed: Middleware = async (ctx, next) => {
  const startedAt = performance.now()
  const reply = await next(ctx)
  reply.headers.set('server-timing', `total;dur=${(performance.now() - startedAt).toFixed(1)}`)
  return reply
}

const app = chain()
  .use(timed)
  .use(onlyMembers) // without this line, `ctx.state.member` below does not compile
  .to(
    createRouter((router) => {
      router.get('/me', (ctx) => json({ you: ctx.state.member }))
      router.get('/hello/:name', (ctx) => json({ from: ctx.state.member, to: ctx.state.params.name }))
    }),
  )

const server = await serve(app, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listening on ${server.url}: try curl -H 'x-api-key: k-ada' ${server.url}/me`)
process.once('SIGTERM', () => server.close({ graceMs: 10_000 }))
