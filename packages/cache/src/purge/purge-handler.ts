import {
  bytesOf,
  type Checks,
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  json,
  type MaybePromise,
  options,
} from '@gatelet/core'
import type { CacheControl } from '../middleware/control.ts'
import { cachePolicy, type Policy, type PolicyOptions, policyChecks } from '../policy/options.ts'
import type { PurgeSelector } from '../store.ts'
import { askedByMethod, askedByText, type PurgeAsked } from './purge-request.ts'

/** Who may purge, and how. */
export interface PurgeHandlerOptions<S extends object = {}> {
  /**
   * Who may purge: a function that says so of each request, else 403; or `'principal'`, whoever `auth` in front has let through,
   * which must be asked for no less than the right to purge (`require: scope('purge')`).
   */
  authorize: 'principal' | ((ctx: Context<S>) => MaybePromise<boolean>)
  /** Whether it is a soft purge where the request does not say. Default: false. */
  soft?: boolean
  /** The rules of the cache, by which a URL becomes a key. Default: those that `cache()` has. */
  policy?: PolicyOptions
}

/**
 * A handler that purges. `PURGE /path` purges what is stored of that URL; with `Purge-Scope: prefix` all that begins with it, with
 * `Surrogate-Key: a b` or `Cache-Tag: a, b` the tags instead, with `Soft-Purge: 1` softly. `POST` takes JSON, 1 MiB at
 * most: `{ "url": …, "prefix": …, "tag": …, "all": true, "soft": true }`, each of the first three a text or a list, 1,000 in all; URLs
 * are absolute, or of the host that was asked. Answers `{ "purged": 3, "soft": false }`, and errors as `application/problem+json`.
 *
 * It must be reached before the cache, and by nobody who cannot be trusted to empty it: it does not start without `authorize`.
 * @param control what `cache()` returned; or a store, where neither `per` nor `noVarySearch` makes other keys of URLs
 * @throws GatewayError `BAD_OPTION`
 * @example routes.post('/purge', purgeHandler(shop, { authorize: (ctx) => isAdmin(ctx) }))
 * @example chain().use(auth(verify, { require: scope('purge') })).to(purgeHandler(shop, { authorize: 'principal' }))
 */
export function purgeHandler(
  control: Pick<CacheControl, 'purge'>,
  given: PurgeHandlerOptions & { authorize: 'principal' },
): Handler<{ readonly principal: object }>
export function purgeHandler<S extends object = {}>(
  control: Pick<CacheControl, 'purge'>,
  given: PurgeHandlerOptions<S> & { authorize: (ctx: Context<S>) => MaybePromise<boolean> },
): Handler<S>
export function purgeHandler<S extends object>(control: Pick<CacheControl, 'purge'>, given: PurgeHandlerOptions<S>): Handler<S> {
  const checked = checkOptions('purgeHandler', { ...given, control }, checks as unknown as Checks<Given<S>>)
  const { authorize, soft = false } = checked
  const policy = cachePolicy(checked.policy)
  return async function purge(ctx) {
    await admit(ctx, authorize)
    const asked = await askedBy(ctx, policy)
    const isSoft = asked.soft ?? soft
    return json({ purged: await purged(checked.control, asked.selectors, isSoft), soft: isSoft })
  }
}

async function admit<S extends object>(ctx: Context<S>, authorize: PurgeHandlerOptions<S>['authorize']): Promise<void> {
  if (authorize === 'principal') {
    // The types see to it; a program without types may have forgotten `auth`.
    if (!('principal' in ctx.state) || !ctx.state.principal) throw new GatewayError('UNAUTHENTICATED')
  } else if ((await authorize(ctx)) !== true) {
    throw new GatewayError('FORBIDDEN')
  }
}

async function askedBy({ request }: Context, policy: Policy): Promise<PurgeAsked> {
  if (request.method === 'PURGE') return askedByMethod(request, policy)
  if (request.method !== 'POST') throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'POST, PURGE' } })
  const text = Buffer.from(await bytesOf(request.body, MAX_BODY_BYTES)).toString('utf8')
  return askedByText(text, request.url, policy)
}

async function purged(control: Pick<CacheControl, 'purge'>, selectors: readonly PurgeSelector[], soft: boolean): Promise<number> {
  let count = 0
  for (const selector of selectors) count += await control.purge(selector, { soft })
  return count
}

const MAX_BODY_BYTES = 1_048_576

interface Given<S extends object> extends PurgeHandlerOptions<S> {
  readonly control: Pick<CacheControl, 'purge'>
}

const { boolean, either, fn, oneOf, optional, shape, wrong } = options

const checks: Checks<Given<{}>> = {
  control: (value, path) => {
    if (typeof (value as Partial<CacheControl> | null | undefined)?.purge === 'function') return value as CacheControl
    throw wrong(value, path, 'a cache or a store, with purge')
  },
  authorize: either("a function that says who may purge, or 'principal'", fn<(ctx: Context) => boolean>(), oneOf('principal')),
  soft: optional(boolean),
  policy: optional(shape(policyChecks)),
}
