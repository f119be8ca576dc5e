import { discard, lengthOf, type Reply, sourceOf } from '@gatelet/core'
import type { CacheStatus } from '../policy/cache-status.ts'
import { evaluate } from '../policy/evaluate.ts'
import { respond } from '../policy/respond.ts'
import { type NotStored, storable } from '../policy/storage.ts'
import type { Decision, ExchangeTimes, StoredMeta } from '../policy/types.ts'
import { updated, updatedByHead } from '../policy/update.ts'
import { selects } from '../policy/vary.ts'
import { Copy } from './copy.ts'
import { isFailure, staleInstead } from './fallback.ts'
import type { Flight } from './flight.ts'
import type { Ask, Kit, Told } from './kit.ts'
import { SharedBody } from './shared-body.ts'
import { slotFor } from './slots.ts'
import { bytesOfAnswer } from './stored-reply.ts'
import { tagsIn, withoutTags } from './tags.ts'

/** A decision to ask the upstream. */
export type Onward = Extract<Decision, { kind: 'fetch' | 'revalidate' }>

/** A request that goes on. */
export interface Asked<S extends object> {
  readonly kit: Kit<S>
  readonly ask: Ask<S>
  readonly decision: Onward
  readonly flight: Flight
  /** Nobody reads the reply: it is only stored. */
  readonly isRefresh?: boolean
}

/** What came of it. */
export interface Fetched {
  readonly reply: Reply
  readonly told: Told
  /** Ends when the body is over, which others may read too. */
  readonly over?: Promise<void>
}

/** A reply of the upstream, from when its head is there. */
export class Arrival<S extends object> {
  private readonly asked: Asked<S>
  private readonly reply: Reply
  private readonly times: ExchangeTimes
  /** The tags that the reply lists. */
  private readonly listed: readonly string[]
  private readonly renewals: ReturnType<typeof updated> | undefined

  constructor(asked: Asked<S>, reply: Reply, times: ExchangeTimes) {
    this.asked = asked
    this.reply = reply
    this.times = times
    const { ask, decision, kit } = asked
    this.listed = this.takenTags()
    if (decision.kind !== 'revalidate' || reply.status !== 304) return
    const metas = ask.entries.map(({ meta }) => meta)
    this.renewals = updated(ask.ctx.request, reply, times, decision.stored, metas, kit.settings.policy)
  }

  /** @returns undefined for a 304 that is no answer: it speaks of another reply than was asked about, or that one is gone */
  handled(): Fetched | undefined {
    const { kit, ask, decision, flight } = this.asked
    const { reply } = this
    if (reply.upgrade) return this.lone({})
    if (isFailure(reply.status)) {
      const stale = staleInstead(kit, ask, decision, reply.status)
      if (stale || flight.isShared) this.landed({ kind: 'failed', status: reply.status })
      if (stale) {
        discard(reply.body)
        return stale
      }
    }
    if (this.renewals) {
      discard(reply.body)
      return this.renewed(this.renewals)
    }
    // What came to a body or a condition, which are in no key, tells nothing of what is stored.
    if (ask.ctx.request.method === 'HEAD' && decision.forward !== 'bypass') this.updateByHead()
    return this.kept()
  }

  /** What is stored holds: answers with it. */
  private renewed(renewals: ReturnType<typeof updated>): Fetched | undefined {
    const { kit, ask, decision, flight } = this.asked
    const { clock, policy } = kit.settings
    let answered: { entry: Ask<S>['entries'][number]; meta: StoredMeta } | undefined
    for (const [before, renewal] of renewals) {
      const after = renewal !== before && this.listed.length > 0 ? { ...renewal, tags: this.tags } : renewal
      const entry = ask.entries.find(({ meta }) => meta === before)
      if (!entry) continue
      answered ??= { entry, meta: after }
      if (after !== before && !flight.isOutdated) kit.store.touch(ask.key, entry, after)
    }
    if (!answered) return undefined
    const { entry, meta } = answered
    const status = { forward: decision.forward, forwardStatus: 304, ...(decision.detail && { detail: decision.detail }) }
    const answer = respond(ask.ctx.request, meta, clock.date(), policy, status)
    const reply = kit.replyOf(answer, entry, meta)
    if (!reply) return undefined
    this.landed({ kind: 'renewed', meta, status: 304, entry })
    return { reply, told: { result: 'revalidated', detail: decision.detail, bytes: bytesOfAnswer(answer, meta) } }
  }

  private updateByHead(): void {
    const { kit, ask } = this.asked
    const { policy } = kit.settings
    for (const entry of ask.entries) {
      const { meta } = entry
      if (!selects(meta, ask.ctx.request, policy)) continue
      const after = updatedByHead(ask.ctx.request, this.reply, this.times, meta, policy)
      if (after === meta) continue
      // What is stored is of the past: it may be asked about, and no more.
      kit.store.touch(ask.key, entry, after ?? { ...meta, softPurgedAt: this.times.responseTimeMs })
    }
  }

  /** Passes the reply on, and stores it where that may be. */
  private kept(): Fetched {
    const { kit, ask } = this.asked
    const { policy, maxEntryBytes } = kit.settings
    const { reply, times } = this
    const verdict = storable(ask.ctx.request, reply, times, policy)
    if (!verdict.store) return this.refused(verdict.reason)
    const announced = announcedBytes(reply)
    if ((announced ?? 0) > maxEntryBytes) return this.unfit('too-large')
    if (this.listed.length > maxTags) return this.unfit('too-many-tags')
    // First: both the key and the tag of the key go by it.
    if (policy.noVarySearch) kit.rules.learn(ask.ctx.request.url, reply.headers)
    return this.stored({ ...verdict.meta, tags: this.tags }, announced)
  }

  // Clients do not see them.
  private takenTags(): readonly string[] {
    const { tagsFrom, keepTags } = this.asked.kit.settings
    const tags = tagsIn(this.reply.headers, tagsFrom)
    if (!keepTags && tags.length > 0) withoutTags(this.reply.headers, tagsFrom)
    return tags
  }

  /** Under which it is stored: that of its key too, where it is one of several of that. */
  private get tags(): readonly string[] {
    const { kit, ask } = this.asked
    return kit.settings.per ? [...this.listed, kit.tagOf(ask.ctx.request.url)] : this.listed
  }

  /** May be stored by its rules, and is not. */
  private unfit(detail: string): Fetched {
    const { kit, ask, flight } = this.asked
    if (flight.isShared) kit.markLone(ask)
    return this.lone({ detail })
  }

  private stored(meta: StoredMeta, announced: number | undefined): Fetched {
    const { kit, flight, isRefresh } = this.asked
    const { reply } = this
    const copy = this.copyOf(meta, announced)
    const body = new SharedBody(
      sourceOf(reply.body),
      {
        chunk: (chunk) => copy?.write(chunk) ?? false,
        end: () => void this.commit(copy, body, meta),
        fail: () => {
          copy?.drop()
          kit.flights.end(flight)
        },
        isAwaited: () => flight.isAwaited,
      },
      kit.holding,
    )
    const forwarded = this.status({ stored: copy !== undefined, ...(copy ? {} : { detail: 'store' }) })
    kit.addStatus(reply.headers, forwarded)
    // Who is given a 204 does not read it.
    if (isRefresh || hasNoContent(reply.status)) {
      body.drain()
      reply.body = null
    } else {
      reply.body = body.reader(true)
    }
    this.offer(meta, body)
    return { reply, told: { result: 'miss', detail: forwarded.detail, bytes: undefined }, over: body.over }
  }

  /** Lets others have it, where they may. */
  private offer(meta: StoredMeta, body: SharedBody): void {
    const { kit, ask, flight } = this.asked
    const { policy, clock } = kit.settings
    const { kind } = evaluate(ask.ctx.request, [meta], clock.date(), policy)
    if (flight.isShared && !flight.isOutdated && (kind === 'hit' || kind === 'stale')) {
      flight.land({ kind: 'reply', meta, status: this.reply.status, body })
      return
    }
    body.close()
    if (flight.isShared && kind === 'revalidate') kit.markLone(ask)
    flight.land({ kind: 'alone' })
  }

  private copyOf(meta: StoredMeta, announced: number | undefined): Copy | undefined {
    const { kit, ask, flight } = this.asked
    const { policy, maxVariants, maxEntryBytes } = kit.settings
    if (flight.isOutdated) return undefined
    const key = policy.noVarySearch ? kit.keyOf(ask.ctx.request.url, ask.partition) : ask.key
    const variant = slotFor(meta, ask.entries, maxVariants, (stored) => selects(stored, ask.ctx.request, policy))
    const writer = kit.store.open(key, variant, meta)
    return writer && new Copy(kit.store, writer, maxEntryBytes, announced)
  }

  private async commit(copy: Copy | undefined, body: SharedBody, meta: StoredMeta): Promise<void> {
    const { kit, ask, flight } = this.asked
    if (flight.isOutdated) copy?.drop()
    else if (await copy?.commit(kit.holding.stuckMs)) {
      kit.unmarkLone(ask)
      kit.tellStored(meta.url, copy?.size ?? 0)
    }
    kit.flights.end(flight)
    body.close()
  }

  private refused(reason: NotStored): Fetched {
    const { kit, ask, flight } = this.asked
    if (flight.isShared && !isFailure(this.reply.status) && !ofAsker.has(reason)) kit.markLone(ask)
    // What is not stored behind auth has not been looked for in earnest.
    return this.lone({ detail: reason, ...(reason === 'authorization' && { forward: 'bypass' }) })
  }

  /** Passes the reply on to the one who asked, as it came. */
  private lone(status: CacheStatus): Fetched {
    const { reply } = this
    const said = this.status(status)
    this.asked.kit.addStatus(reply.headers, said)
    this.landed({ kind: 'alone' })
    return {
      reply,
      told: { result: said.forward === 'bypass' ? 'bypass' : 'miss', detail: said.detail, bytes: lengthOf(reply.body) },
    }
  }

  private landed(landing: Parameters<Flight['land']>[0]): void {
    const { kit, flight } = this.asked
    flight.land(landing)
    kit.flights.end(flight)
  }

  private status(more: CacheStatus): CacheStatus {
    const { forward, detail } = this.asked.decision
    return { forward, forwardStatus: this.reply.status, ...(detail !== undefined && { detail }), ...more }
  }
}

const maxTags = 1_000

const hasNoContent = (status: number): boolean => status === 204 || status === 205

// They tell of who asked: of others nothing is known by them.
const ofAsker: ReadonlySet<NotStored> = new Set(['request-no-store', 'authorization', 'request-body', 'method'])

/** Bytes that the body must have. */
function announcedBytes({ headers, body }: Reply): number | undefined {
  const field = headers.get('content-length')
  return field !== undefined && /^[0-9]+$/.test(field) ? Number(field) : lengthOf(body)
}
