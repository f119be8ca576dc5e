import {
  type Ask,
  type Balancer,
  checkOptions,
  type Explanation,
  type Handler,
  type Lease,
  type MaybePromise,
  type Refusal,
} from '@gatelet/core'
import { Discovery, type DiscoveryStatus } from './discovery/discovery.ts'
import type { EndpointState, EndpointView } from './endpoint.ts'
import { type EndpointInit, type EndpointSpec, endpoint, endpoints, type ValueEndpoint, weight } from './endpoint-options.ts'
import type { Monitor } from './health/monitor.ts'
import type { Membership } from './membership.ts'
import {
  type BalancerOptions,
  type BalancerSettings,
  balancerSettings,
  type DrainOptions,
  drainChecks,
  type EjectOptions,
  ejectChecks,
} from './options.ts'
import { type RunFunction, type RunHost, type RunOptions, run } from './run.ts'
import { stagesOf } from './stages.ts'

/** A balancer whose endpoints can be changed while traffic runs. */
export interface ManagedBalancer<V = URL | Handler> extends Balancer {
  /**
   * Picks an endpoint at once. Its priority (and zone) is drawn by how much of the traffic each can take; there the strategy picks
   * one of those that are healthy and have a weight. Those that were tried are passed over; when nobody else is left there, the
   * other zones and priorities come; then one that is ejected and was not tried; then one again. Where all that may be picked are
   * at their limit, it waits in the `queue`, if there is one: only then is the answer a promise. Refuses with `none-healthy`
   * where nobody may be picked, with `queue-full` and `queue-timeout` where there is no room, with `overloaded` where `shed`
   * says so, with `draining` once the balancer is closed.
   * @throws (or rejects with) what `subset` or `priority` throws for this ask, and nothing else
   */
  acquire(ask: Ask): MaybePromise<Lease | Refusal>
  /** The same without waiting: where `acquire` would wait, this refuses with `queue-full`. Overtakes nobody who waits. @throws as `acquire` */
  tryAcquire(ask: Ask): Lease | Refusal
  /** Why an ask would get the endpoint that it would get now. Changes nothing; what is drawn by chance may come otherwise. */
  explain(ask: Ask): Explanation
  /**
   * Calls `fn` with an endpoint's value (a URL, a handler, or what was given as `value`) and tells how it went: balancing for
   * anything that can be called. The lease is given back when `fn` is done. Aborted calls do not count against an endpoint.
   * @throws GatewayError (as a rejection) for a refusal: `NO_ENDPOINT`, `QUEUE_FULL`, `QUEUE_TIMEOUT`, `DRAINING`;
   * `DEADLINE_EXCEEDED`; `BAD_OPTION`. Otherwise what `fn` threw last, or the reason of the signal
   * @example await databases.run((pool, { signal }) => pool.query('select 1', { signal }), { timeoutMs: 1_000 })
   */
  run<T>(fn: RunFunction<V, T>, options?: RunOptions): Promise<T>
  /** Every endpoint, as it is now. Removed ones are not among them, though they may still have requests in flight. */
  readonly endpoints: readonly EndpointView[]
  /**
   * Resolves when it is known which endpoints there are (at once for a list, with the first answer of a discovery source; until
   * then every request is refused) and, with `health`, when each of them has had its first check, which takes at most its
   * timeout. Also resolves when the balancer is closed. It keeps the process alive while it waits.
   */
  ready(): Promise<void>
  /** How well the endpoints are known. Undefined unless a discovery source finds them. */
  readonly discovery: DiscoveryStatus | undefined
  /**
   * Beside a discovery source, what is added, removed or replaced by hand holds until it finds another list.
   * @throws GatewayError `BAD_OPTION`, also when the id is taken
   */
  add(endpoint: EndpointOf<V>): EndpointView
  /**
   * Takes an endpoint out: it is not picked any more from now on; what is in flight goes on.
   * @returns whether its last request ended before the deadline
   * @throws GatewayError `BAD_OPTION` (as a rejection, like the others below) for an unknown id
   */
  remove(id: string, options?: DrainOptions): Promise<boolean>
  /**
   * Sets the weight to 0, so that no new request comes, and waits for those in flight. `setWeight` brings it back. With
   * `affinity`, sessions that are there stay until the deadline: it waits as long, since one may come back at any moment.
   * @returns whether its last request ended before the deadline
   * @throws GatewayError `BAD_OPTION`
   */
  drain(id: string, options?: DrainOptions): Promise<boolean>
  /** Changes a share of the traffic: 0 to 1,000,000; 0 drains. @throws GatewayError `BAD_OPTION` */
  setWeight(id: string, weight: number): void
  /**
   * Ejects an endpoint as if its requests had failed: for maintenance, or because something else knows better. Keeps to
   * `ejection.maxShare`; when its time is over it is probed as usual.
   * @returns whether it is ejected now: not when too many are, or ejection is off
   * @throws GatewayError `BAD_OPTION`
   */
  eject(id: string, options?: EjectOptions): boolean
  /**
   * Tells what something else than the checks of this balancer knows of an endpoint's health. Counts at once, like the result
   * of as many checks as it takes; the next checks may say otherwise.
   * @param reason why it is not healthy, at most 200 characters of it
   * @throws GatewayError `BAD_OPTION`
   */
  setHealth(id: string, isHealthy: boolean, reason?: string): void
  /** Stops active checks, or begins again with a check of all; for whoever shares the results of another process. */
  setChecking(isChecking: boolean): void
  /**
   * Makes this the list of endpoints, whole or (when something in it is wrong) not at all. An endpoint with the same id and
   * the same target stays and keeps its figures; its weight is set only if the list before gave another.
   * @returns whether the last requests of all that left ended before the deadline
   * @throws GatewayError `BAD_OPTION`
   */
  replace(endpoints: readonly EndpointOf<V>[], options?: DrainOptions): Promise<boolean>
  /** Refuses from now on, ends discovery and checks, and waits at most `drainMs` for requests in flight. Always the same promise. */
  close(): Promise<void>
}

/** What can be added to a balancer: values where its endpoints are values. */
export type EndpointOf<V> = URL | Handler extends V ? EndpointInit : ValueEndpoint<V>

/**
 * Makes a balancer: a set of endpoints, what is known of their health, and a strategy that ranks them.
 * @throws GatewayError `BAD_OPTION`
 * @example createBalancer({ endpoints: ['http://10.0.0.1:4001', { url: 'http://10.0.0.2:4001', weight: 2 }] })
 */
export function createBalancer<V = URL | Handler>(given: BalancerOptions<V>): ManagedBalancer<V> {
  const settings = balancerSettings(given)
  const { clock, drainMs, ejection: rules } = settings
  const { admission, picking, affinity, selection, leases, membership, monitor } = stagesOf(settings)
  const runHost: RunHost<V> = {
    clock,
    acquire: (ask) => admission.admit(ask),
    valueOf: (endpoint) => (endpoint as EndpointState).value as V,
  }
  let closed: Promise<void> | undefined
  const deadlineOf = (owner: string, wait: DrainOptions) => checkOptions(owner, wait, drainChecks).deadlineMs ?? drainMs

  try {
    membership.replace(settings.endpoints)
  } catch (error) {
    // A strategy does not take them: nobody gets this balancer, so nobody would end its checks.
    monitor?.close()
    throw error
  }
  const discovery = discoveryOf(settings, membership, (list) => {
    membership.replace(list)
    selection.isFirstList = false
  })
  if (!discovery) selection.isFirstList = false
  return {
    acquire: (ask) => admission.admit(ask),
    tryAcquire: (ask) => admission.now(ask),
    run: (fn, options = {}) => run(runHost, fn, options),
    get endpoints() {
      return membership.all
    },
    ready: () => readiness(discovery, monitor),
    explain: (ask) => picking.explain(ask),
    get discovery() {
      return discovery?.status
    },
    add(init) {
      return membership.add(checkOptions('add', { endpoint: init }, { endpoint }).endpoint)
    },
    async remove(id, wait = {}) {
      const deadlineMs = deadlineOf('remove', wait)
      const gone = membership.find(id)
      membership.remove(gone)
      return gone.leases.whenNone(clock, deadlineMs)
    },
    async drain(id, wait = {}) {
      const deadlineMs = deadlineOf('drain', wait)
      const leaving = membership.find(id)
      membership.setWeight(leaving, 0)
      if (!affinity) return leaving.leases.whenNone(clock, deadlineMs)
      affinity.leaveBy(leaving, clock.now() + deadlineMs)
      await new Promise<void>((over) => clock.setTimer(over, deadlineMs))
      return leaving.inflight === 0
    },
    setWeight(id, share) {
      const checked = checkOptions('setWeight', { weight: share }, { weight })
      membership.setWeight(membership.find(id), checked.weight)
    },
    eject(id, how = {}) {
      const { forMs = rules?.baseMs ?? 0, reason = 'it was ejected by hand' } = checkOptions('eject', how, ejectChecks)
      return membership.ejectFor(membership.find(id), forMs, reason)
    },
    setHealth(id, isHealthy, reason = 'somebody else found it unhealthy') {
      const result = { passed: isHealthy, at: clock.now(), latencyMs: 0 }
      membership.checked(membership.find(id), isHealthy ? result : { ...result, error: reason.slice(0, 200) }, true)
    },
    setChecking: (isChecking) => monitor?.setRunning(isChecking),
    async replace(inits, wait = {}) {
      const deadlineMs = deadlineOf('replace', wait)
      const gone = membership.replace(checkOptions('replace', { endpoints: inits }, { endpoints }).endpoints)
      const idle = await Promise.all(gone.map((left) => left.leases.whenNone(clock, deadlineMs)))
      return idle.every(Boolean)
    },
    close() {
      discovery?.close()
      monitor?.close()
      admission.close()
      closed ??= leases.whenNone(clock, drainMs).then(() => {})
      return closed
    },
  }
}

function discoveryOf(
  settings: BalancerSettings,
  membership: Membership,
  onList: (list: readonly EndpointSpec[]) => void,
): Discovery | undefined {
  const { source, discovery: rules, clock, name } = settings
  if (!source) return undefined
  return new Discovery({
    ...{ source, rules, clock, name },
    known: () => new Set(membership.all.map(({ id }) => id)),
    onList,
  })
}

async function readiness(discovery: Discovery | undefined, monitor: Monitor | undefined): Promise<void> {
  // Whatever looks for endpoints and checks them keeps no process alive, so that one that only waits for them would end before they come.
  const stay = setInterval(() => {}, 60_000)
  await discovery?.first
  await monitor?.first()
  clearInterval(stay)
}
