// A gateway whose requests have names, in its log and in the log of the server behind it.
import { chain, createBalancer, type Middleware, proxy, serve } from 'gatelet'
import { requestId, type WithRequestId } from './request-id.ts'

const { ORIGIN = 'http://127.0.0.1:4001', PORT = '8080' } = process.env

/** Needs a name to write down: without `requestId()` in front of it, the chain below does not compile. */
const logged: Middleware<WithRequestId> = (ctx, next) => {
  const { method, url } = ctx.request
  ctx.onFinish(({ status, outcome, durationMs }) => {
    console.log(`${ctx.state.requestId} ${method} ${url.path} ${status} ${outcome} ${durationMs.toFixed(1)} ms`)
  })
  return next(ctx)
}

const balancer = createBalancer({ endpoints: [ORIGIN] })
const upstream = proxy(balancer)
const server = await serve(chain().use(requestId()).use(logged).to(upstream), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await upstream.close()
  await balancer.close()
})
