import type { EventMap } from '@gatelet/core'
import type { Family } from './family.ts'
import type { Kit } from './kit.ts'
import type { Series } from './series.ts'

/** Counts what layers and routes decide: limits, auth, caches and their stores, parts, mirrors and splits. */
export class Layers {
  private readonly limits: Family<Series>
  private readonly bans: Family<Series>
  private readonly plans: Family<Series>
  private readonly auth: Family<Series>
  private readonly answers: Family<Series>
  private readonly stores: Family<Series>
  private readonly stored: Family<Series>
  private readonly storeFailures: Family<Series>
  private readonly available: Family<Series>
  private readonly outages: Family<Series>
  private readonly parts: Family<Series>
  private readonly mirrors: Family<Series>
  private readonly splits: Family<Series>

  constructor(kit: Kit) {
    const counter = (name: string, unit: string, help: string, ...labels: readonly string[]) =>
      kit.counter({ name: `gatelet.${name}`, unit, help, labels: labels.map((label) => `gatelet.${label}`) })
    const rate = 'Verdicts of limiters: allowed, or why not, by which policy and by whom it was counted.'
    this.limits = counter('rate.decisions', '{decision}', rate, 'verdict', 'policy', 'source', 'shadow')
    this.bans = counter('rate.bans', '{ban}', 'Clients that were shut out for a while.')
    this.plans = counter('rate.plan_failures', '{failure}', 'Plans of keys that could not be looked up.')
    const auth = 'Whether requests were let through, and why not.'
    this.auth = counter('auth.decisions', '{decision}', auth, 'outcome', 'reason', 'scheme')
    const answers = 'What caches did with requests: hit, stale, revalidated, miss, bypass.'
    this.answers = counter('cache.answers', '{request}', answers, 'cache', 'result', 'collapsed')
    this.stores = counter('cache.stores', '{reply}', 'Replies that were stored.', 'cache')
    this.stored = counter('cache.stored', 'By', 'Bytes of replies that were stored.', 'cache')
    const failures = 'Failures of the store of a cache.'
    this.storeFailures = counter('cache.store_failures', '{failure}', failures, 'cache', 'operation')
    this.available = kit.gauge({
      name: 'gatelet.store.available',
      unit: '',
      help: 'Whether a store for many processes is asked: 0 since it failed several times running.',
      labels: ['gatelet.store'],
    })
    this.outages = counter('store.outages', '{outage}', 'How often a store stopped being asked.', 'store')
    this.parts = counter('aggregation.part_failures', '{failure}', 'Parts of aggregated replies that could not be had.', 'part')
    this.mirrors = counter('mirror.copies', '{request}', 'Copies of requests, by what came of them.', 'outcome')
    const splits = 'Which backend of a traffic split requests went to.'
    this.splits = counter('split.choices', '{request}', splits, 'split', 'variant', 'why')
  }

  limited({ verdict, isShadow }: EventMap['rate:decided']): void {
    const { allowed, reason = 'quota', policies, source } = verdict
    const policy = allowed ? '' : (policies.find((each) => !each.allowed)?.name ?? '')
    this.limits.at(allowed ? 'allowed' : reason, policy, source, String(isShadow)).value++
  }

  banned(): void {
    this.bans.at().value++
  }

  planFailed(): void {
    this.plans.at().value++
  }

  decided({ outcome, reason = '', scheme = '' }: EventMap['auth:decided']): void {
    this.auth.at(outcome, reason, scheme).value++
  }

  answered({ cache, result, isCollapsed }: EventMap['cache:answered']): void {
    this.answers.at(cache, result, String(isCollapsed)).value++
  }

  kept({ cache, bytes }: EventMap['cache:stored']): void {
    this.stores.at(cache).value++
    this.stored.at(cache).value += bytes
  }

  storeFailed({ cache, operation }: EventMap['cache:store-failed']): void {
    this.storeFailures.at(cache, operation).value++
  }

  storeChanged({ store, isAvailable }: EventMap['store:changed']): void {
    this.available.at(store).value = Number(isAvailable)
    if (!isAvailable) this.outages.at(store).value++
  }

  partFailed({ part }: EventMap['part:failed']): void {
    this.parts.at(part).value++
  }

  mirrored({ outcome }: EventMap['request:mirrored']): void {
    this.mirrors.at(outcome).value++
  }

  split({ split = '', variant, why }: EventMap['request:split']): void {
    this.splits.at(split, variant, why).value++
  }
}
