import {
  type Context,
  checkOptions,
  discard,
  empty,
  GatewayError,
  type Handler,
  type MaybePromise,
  problem,
  type Reply,
  systemClock,
  withStrictPaths,
} from '@gatelet/core'
import { type Api, apiOf, type Subjects } from './api/api.ts'
import { CsrfTokens } from './guard/csrf-token.ts'
import { admitLoopback } from './guard/loopback.ts'
import { admitReader, admitSameOrigin } from './guard/same-origin.ts'
import { secured } from './guard/security-fields.ts'
import { type DashboardOptions, dashboardChecks, type Wants } from './options.ts'
import { fileAt } from './page/files.ts'
import { missingSlash, placeOf } from './place.ts'
import { Collector } from './seen/collector.ts'

/** A page that shows what the gateway does, and its API. */
export interface Dashboard<S extends object = {}> {
  (ctx: Context<S>): MaybePromise<Reply>
  /** Stops counting. The page still answers, with what it knows. */
  close(): void
}

/**
 * A live page of this process, and the JSON API that it uses. It counts from the moment that it is made, by core's events, whatever
 * modules tell them. Mount it under any path; the URLs in it are relative.
 *
 * GET and HEAD change nothing. Each POST must come from a page of the same origin and carry the token of `api/v1/session`.
 * @throws GatewayError `BAD_OPTION`, without `authorize` too
 * @example router.mount('/admin/*rest', dashboard({ authorize: 'loopback', balancers: { users } }))
 */
export function dashboard<S extends object = {}>(given: DashboardOptions<S>): Dashboard<S> {
  const settings = checkOptions('dashboard', given as DashboardOptions, dashboardChecks)
  const { authorize, readOnly = false, path = '', title = 'Gatelet', clock = systemClock } = settings
  const { balancers = {}, routers = {}, caches = {}, maxRoutes = 500, maxErrors = 100, maxReaders = 8 } = settings
  const seen = new Collector(clock, { maxRoutes, maxErrors, maxReaders })
  const tokens = new CsrfTokens()
  const admit = admission(authorize, readOnly)
  const subjects: Subjects = {
    ...{ title, routers, caches },
    balancers: () => (typeof balancers === 'function' ? balancers() : balancers),
    async mayChange(ctx) {
      const refusal = await admit(ctx, 'change')
      if (refusal) discard(refusal.body)
      return refusal === undefined
    },
  }
  const api = apiOf(seen, tokens, subjects)

  async function answer(ctx: Context): Promise<Reply> {
    const { method, kind } = ctx.request
    if (kind === 'upgrade') throw new GatewayError('UPGRADE_REFUSED')
    const wants: Wants = method === 'GET' || method === 'HEAD' ? 'read' : 'change'
    // Before anything is said of what there is.
    const refusal = await admit(ctx, wants)
    if (refusal) return refusal
    const place = placeOf(ctx, path)
    if (place === undefined) throw new GatewayError('NOT_FOUND')
    return wants === 'read' ? read(ctx, place, api) : change(ctx, place, api, tokens)
  }

  const handler = async function dashboard(ctx: Context): Promise<Reply> {
    seen.disown(ctx)
    try {
      return secured(await answer(ctx))
    } catch (error) {
      if (error instanceof GatewayError) return secured(problem(error))
      throw error
    }
  }
  return withStrictPaths(Object.assign(handler, { close: () => seen.close() })) as Dashboard<S>
}

/** @returns a check of one request: undefined where it may, else the refusal */
function admission(
  authorize: DashboardOptions['authorize'],
  readOnly: boolean,
): (ctx: Context, wants: Wants) => Promise<Reply | undefined> {
  return async (ctx, wants) => {
    if (wants === 'change' && readOnly) return refused('this dashboard changes nothing')
    if (authorize === 'loopback') {
      admitLoopback(ctx)
      return undefined
    }
    const verdict = await authorize(ctx, wants)
    if (typeof verdict === 'object' && verdict !== null) return verdict
    return verdict === true ? undefined : refused()
  }
}

function refused(detail?: string): Reply {
  return problem(new GatewayError('FORBIDDEN', detail === undefined ? {} : { detail }))
}

function read(ctx: Context, place: string, api: Api): MaybePromise<Reply> {
  if (place === '/') {
    const location = missingSlash(ctx)
    if (location !== undefined) return empty({ status: 308, headers: { location } })
  }
  const name = apiName(place)
  if (name === undefined) return fileAt(place)
  admitReader(ctx)
  const handler = own(api.reads, name)
  if (handler) return handler(ctx)
  throw own(api.changes, name) ? notAllowed('POST') : new GatewayError('NOT_FOUND')
}

function change(ctx: Context, place: string, api: Api, tokens: CsrfTokens): MaybePromise<Reply> {
  const handler = own(api.changes, apiName(place) ?? '')
  if (!handler || ctx.request.method !== 'POST') throw notAllowed(handler ? 'POST' : 'GET, HEAD')
  admitSameOrigin(ctx)
  tokens.check(ctx)
  return handler(ctx)
}

function apiName(place: string): string | undefined {
  const prefix = '/api/v1/'
  return place.startsWith(prefix) ? place.slice(prefix.length) : undefined
}

function own(handlers: Readonly<Record<string, Handler>>, name: string): Handler | undefined {
  return Object.hasOwn(handlers, name) ? handlers[name] : undefined
}

function notAllowed(allow: string): GatewayError {
  return new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow } })
}
