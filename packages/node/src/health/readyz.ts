import { type Context, type Handler, json, type Reply, text } from '@gatelet/core'
import { type CheckResult, ReadinessChecks } from './checks.ts'
import { askedRightly } from './method.ts'
import { type BalancerLike, type ReadyzOptions, type ReadyzSettings, readyzSettings } from './options.ts'

/**
 * Answers the question whether requests should come here: 200, or 503 when the server closes, when a balancer has nobody left who may
 * be picked, or when a check says so. Give `close()` a `delayMs` in which whoever asks does so at least twice. What a store of
 * limits or replies does when it is away is said by its layer: take it for a check only where nothing can be answered without it.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/readyz', readyz({ server: () => server, balancers: { users }, checks: { redis: () => redis.ping() } }))
 */
export function readyz(given: ReadyzOptions = {}): Handler {
  const settings = readyzSettings(given)
  const checks = new ReadinessChecks(settings)
  return async function readyz(ctx) {
    askedRightly(ctx.request)
    const serving = servingOf(settings)
    const isVerbose = await maySeeAll(ctx, settings)
    // Closing is told at once, and without asking anybody.
    if (!serving && !isVerbose) return answer(false)
    const results = { ...balancersOf(settings.balancers), ...(await checks.results()) }
    const isReady = serving && Object.values(results).every(({ ok }) => ok)
    return isVerbose ? detailed(isReady, serving, results) : answer(isReady)
  }
}

function servingOf({ server }: ReadyzSettings): boolean {
  return server === undefined || server()?.isDraining === false
}

async function maySeeAll(ctx: Context, { verbose }: ReadyzSettings): Promise<boolean> {
  return new URLSearchParams(ctx.request.url.search).has('verbose') && (await verbose(ctx)) === true
}

function balancersOf(balancers: Readonly<Record<string, BalancerLike>>): Record<string, CheckResult & { endpoints: number }> {
  const named = Object.entries(balancers).map(([name, { endpoints }]) => {
    const pickable = endpoints.filter(({ state }) => state === 'active').length
    return [name, { ok: pickable > 0, durationMs: 0, endpoints: pickable }] as const
  })
  return Object.fromEntries(named)
}

const uncached = { 'cache-control': 'no-store' }

const answer = (isReady: boolean): Reply =>
  text(isReady ? 'ready\n' : 'not ready\n', { status: isReady ? 200 : 503, headers: uncached })

const detailed = (isReady: boolean, isServing: boolean, results: Readonly<Record<string, CheckResult>>): Reply =>
  json({ ready: isReady, serving: isServing, checks: results }, { status: isReady ? 200 : 503, headers: uncached })
