import {
  atOnce,
  type Context,
  GatewayError,
  type Handler,
  isPromise,
  type MaybePromise,
  type Middleware,
  problem,
  type Reply,
  withStrictPaths,
} from '@gatelet/core'
import { evaluate } from '../policy/evaluate.ts'
import type { Answer, Decision, StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'
import { forwarded } from './collapse.ts'
import type { CacheControl } from './control.ts'
import { controlOf } from './control-of.ts'
import { type Ask, Kit } from './kit.ts'
import { type CacheOptions, settingsOf } from './options.ts'
import { partitionOf, type WhoAsks } from './partition.ts'
import { passed, untouched, written } from './passing.ts'
import { refreshed, refreshedFirst } from './refresh.ts'
import { bytesOfAnswer } from './stored-reply.ts'

/**
 * Answers from what is stored (RFC 9111), and stores what comes back where that may be. Stands in front of proxies, functions and
 * frameworks' handlers alike. What it did is in `Cache-Status` (RFC 9211) of each reply.
 * @throws GatewayError `BAD_OPTION`
 * @example cache({ store: memoryCacheStore({ maxBytes: 256 * 1024 ** 2 }) })
 * @example chain().use(auth(verify)).use(cache({ per: 'principal' }))
 */
export function cache(options: CacheOptions & { per: 'principal' }): Middleware<{ readonly principal: WhoAsks }> & CacheControl
export function cache<S extends object = {}>(
  options?: CacheOptions<S> & { per?: (ctx: Context<S>) => string },
): Middleware<S> & CacheControl
export function cache<S extends object>(options?: CacheOptions<S>): Middleware<S> & CacheControl {
  const per = options?.per === 'principal' ? (partitionOf as unknown as (ctx: Context<S>) => string) : options?.per
  const kit = new Kit(settingsOf(options, per))
  const layer = withStrictPaths(function cache(ctx: Context<S>, next: Handler<S>) {
    return handle(kit, ctx, next)
  })
  return Object.assign(layer, controlOf(kit)) as Middleware<S> & CacheControl
}

function handle<S extends object>(kit: Kit<S>, ctx: Context<S>, next: Handler<S>): MaybePromise<Reply> {
  const { request } = ctx
  const { method } = request
  if (request.kind === 'upgrade' || method === 'CONNECT') return untouched(kit, ctx, next)
  if (method !== 'GET' && method !== 'HEAD') return written(kit, ctx, next)
  if (isBypassed(kit, ctx)) return passed(kit, ctx, next, { forward: 'bypass', detail: 'by-option' })
  const partition = kit.partitionOf(ctx)
  const key = kit.keyOf(request.url, partition)
  const found = kit.store.get(key)
  if (isPromise(found)) return found.then((entries) => decided(kit, { ctx, next, key, partition, entries: entries ?? [] }))
  return decided(kit, { ctx, next, key, partition, entries: found ?? [] })
}

// A promise would be neither yes nor no.
function isBypassed<S extends object>(kit: Kit<S>, ctx: Context<S>): boolean {
  const { bypass } = kit.settings
  return bypass !== undefined && atOnce(bypass(ctx), 'bypass')
}

function decided<S extends object>(kit: Kit<S>, ask: Ask<S>): MaybePromise<Reply> {
  const { policy, clock } = kit.settings
  const metas = ask.entries.map(({ meta }) => meta)
  const decision = evaluate(ask.ctx.request, metas, clock.date(), policy)
  switch (decision.kind) {
    case 'hit':
      return fromStore(kit, ask, decision.stored, decision.answer, 'hit') ?? forwarded(kit, ask, broken)
    case 'stale':
      return stale(kit, ask, decision)
    case 'only-if-cached-miss':
      return notCached(kit, ask)
    default:
      return forwarded(kit, ask, decision)
  }
}

// The store knows of it, and cannot give it.
const broken = { kind: 'fetch', forward: 'miss', detail: 'store' } as const

function stale<S extends object>(kit: Kit<S>, ask: Ask<S>, decision: Extract<Decision, { kind: 'stale' }>): MaybePromise<Reply> {
  const { stored, answer } = decision
  if (!refreshed(kit, ask, decision)) return refreshedFirst(kit, ask, decision, (onward) => forwarded(kit, ask, onward))
  return fromStore(kit, ask, stored, answer, 'stale') ?? forwarded(kit, ask, broken)
}

function fromStore<S extends object>(
  kit: Kit<S>,
  ask: Ask<S>,
  stored: StoredMeta,
  answer: Answer,
  result: 'hit' | 'stale',
): Reply | undefined {
  const entry = ask.entries.find(({ meta }) => meta === stored) as StoredEntry
  const reply = kit.replyOf(answer, entry, stored)
  if (reply) kit.tell(ask, { result, bytes: bytesOfAnswer(answer, stored) })
  return reply
}

function notCached<S extends object>(kit: Kit<S>, ask: Ask<S>): Reply {
  const reply = problem(new GatewayError('NOT_CACHED'))
  kit.addStatus(reply.headers, { detail: 'only-if-cached' })
  kit.tell(ask, { result: 'miss', detail: 'only-if-cached' })
  return reply
}
