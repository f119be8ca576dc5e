import { createGateway, type Gateway, type Middleware, problem, type Reply, text } from 'gatelet'
import { type Dashboard, dashboard } from 'gatelet/dashboard'
import type { Origin } from './origins.ts'

/** A layer: whoever does not know the word is not let through. */
const onlyMembers: Middleware = (ctx, next) =>
  ctx.request.headers.get('x-word') === 'please'
    ? next(ctx)
    : problem({ status: 401, title: 'Say the word', detail: 'The header X-Word must say please' })

/** The gateway, and the page that shows what it does. */
export interface DemoGateway {
  readonly gateway: Gateway<'hello'>
  readonly page: Dashboard
}

/** The gateway of the demo. Its upstream is `hello`, with one endpoint for each origin. */
export function demoGateway(origins: readonly Origin[]): DemoGateway {
  const page = dashboard({
    authorize: 'loopback',
    title: 'Gatelet demo',
    balancers: () => gateway.upstreams,
    // A function, since the page stands in the gateway that it explains.
    routers: { gateway: { explain: (request) => gateway.explain(request) } },
  })
  const gateway: Gateway<'hello'> = createGateway({
    upstreams: {
      hello: {
        endpoints: origins.map(({ name, url }) => ({ id: name, url })),
        // Short, so that the demo need not wait: an origin that failed three times in a row rests for a second.
        ejection: { consecutiveFailures: 3, baseMs: 1_000, maxMs: 1_000 },
      },
    },
    routes: [
      { path: '/hello', to: 'hello' },
      { path: '/clock', to: 'hello' },
      { path: '/members/*', to: 'hello', use: [onlyMembers] },
      { path: '/admin/*', to: page },
      { path: '/status', to: () => pretty(gateway.upstreams.hello.endpoints.map(status)) },
      { path: '/origins/:name/:change', method: 'POST', to: (ctx) => changed(origins, ctx.state.params) },
    ],
  })
  return { gateway, page }
}

type EndpointView = Gateway<'hello'>['upstreams']['hello']['endpoints'][number]

function status({ id, state, weight, inflight, consecutiveFailures }: EndpointView): object {
  return { id, state, weight, inflight, consecutiveFailures }
}

/** JSON for people. */
function pretty(value: unknown): Reply {
  return text(`${JSON.stringify(value, null, 2)}\n`, { headers: { 'content-type': 'application/json' } })
}

/** Kills and starts origins on request, for whoever tries it by hand. */
async function changed(origins: readonly Origin[], { name, change }: Readonly<Record<string, string>>): Promise<Reply> {
  const origin = origins.find((each) => each.name === name)
  if (!origin || (change !== 'kill' && change !== 'start'))
    return problem({ status: 404, title: 'There is no such origin or change' })
  await origin[change]()
  return pretty({ origin: name, is: change === 'kill' ? 'gone' : 'there' })
}
