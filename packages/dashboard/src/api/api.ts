import { type Context, type Handler, json, onDrain } from '@gatelet/core'
import type { CsrfTokens } from '../guard/csrf-token.ts'
import type { BalancerHandle, CacheHandle, RouterHandle } from '../handles.ts'
import type { Collector } from '../seen/collector.ts'
import { purgeCache } from './cache-purge.ts'
import { EndpointChanges } from './endpoint-change.ts'
import { explain } from './explain.ts'
import type {
  AuthView,
  CachesView,
  EndpointsView,
  ErrorsView,
  LimitsView,
  OverviewView,
  RoutesView,
  SessionView,
} from './views.ts'

/** What the API speaks of. */
export interface Subjects {
  readonly title: string
  balancers(): Readonly<Record<string, BalancerHandle>>
  readonly routers: Readonly<Record<string, RouterHandle>>
  readonly caches: Readonly<Record<string, CacheHandle>>
  /** Whether this client may change something. */
  mayChange(ctx: Context): Promise<boolean>
}

/** Handlers by their place. What `reads` answers, GET and HEAD get; nothing there changes anything. What `changes` does, POST asks for. */
export interface Api {
  readonly reads: Readonly<Record<string, Handler>>
  readonly changes: Readonly<Record<string, Handler>>
}

/** The API of one dashboard, `api/v1`. */
export function apiOf(seen: Collector, tokens: CsrfTokens, subjects: Subjects): Api {
  const endpointChanges = new EndpointChanges()
  return {
    reads: {
      session: async (ctx) => json(await session(ctx, tokens, subjects)),
      overview: (ctx) => json(seen.traffic.view(sinceOf(ctx)) satisfies OverviewView),
      endpoints: () => json(endpoints(seen, subjects)),
      routes: () => json({ routes: seen.routes.view() } satisfies RoutesView),
      explain: (ctx) => explain(ctx, subjects.routers),
      limits: () => json(seen.limits.view() satisfies LimitsView),
      caches: () => json({ caches: seen.caches.view() } satisfies CachesView),
      auth: () => json(seen.auth.view() satisfies AuthView),
      errors: () => json({ errors: seen.errors.view() } satisfies ErrorsView),
      tail: (ctx) => seen.tail.open((end) => onDrain(ctx, end)),
    },
    changes: {
      'endpoints/change': (ctx) => endpointChanges.handle(ctx, subjects.balancers()),
      'caches/purge': (ctx) => purgeCache(ctx, subjects.caches),
    },
  }
}

async function session(ctx: Context, tokens: CsrfTokens, subjects: Subjects): Promise<SessionView> {
  const { title, routers, caches } = subjects
  const canChange = await subjects.mayChange(ctx)
  const names = { balancers: Object.keys(subjects.balancers()), routers: Object.keys(routers), caches: Object.keys(caches) }
  return { title, ...names, canChange, csrfToken: canChange ? tokens.for(ctx) : '' }
}

function endpoints(seen: Collector, subjects: Subjects): EndpointsView {
  const all = Object.entries(subjects.balancers()).flatMap(([name, balancer]) => seen.endpoints.view(name, balancer))
  return { startedAt: seen.endpoints.startedAt, endpoints: all, changes: seen.endpoints.recentChanges() }
}

function sinceOf({ request }: Context): number {
  const since = Number(new URLSearchParams(request.url.search).get('since') ?? 0)
  return Number.isFinite(since) ? since : 0
}
