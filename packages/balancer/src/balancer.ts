import { type Ask, type Balancer, checkOptions, type Lease, type Refusal } from '@gatelet/core'
import { Discovery, type DiscoveryStatus } from './discovery/discovery.ts'
import type { EndpointView } from './endpoint.ts'
import { type EndpointInit, endpoint, endpoints, weight } from './endpoint-options.ts'
import type { Gate } from './gate.ts'
import { Leases } from './leases.ts'
import { Membership } from './membership.ts'
import { type BalancerOptions, type BalancerSettings, balancerSettings, type DrainOptions, drainChecks } from './options.ts'
import { Selection } from './selection/selection.ts'

/** A balancer whose endpoints can be changed while traffic runs. */
export interface ManagedBalancer extends Balancer {
  /**
   * Picks an endpoint at once. Its priority (and zone) is drawn by how much of the traffic each can take; there the strategy picks
   * one of those that are healthy and have a weight. Those that were tried are passed over; when nobody else is left there, the
   * other zones and priorities come; then one that is ejected and was not tried; then one again. Refuses with `none-healthy`
   * where nobody may be picked, with `draining` once the balancer is closed.
   */
  acquire(ask: Ask): Lease | Refusal
  /** Every endpoint, as it is now. Removed ones are not among them, though they may still have requests in flight. */
  readonly endpoints: readonly EndpointView[]
  /**
   * Resolves when it is known which endpoints there are: at once for a list, with the first answer of a discovery source. Until
   * then every request is refused. Also resolves when the balancer is closed. It keeps the process alive while it waits.
   */
  ready(): Promise<void>
  /** How well the endpoints are known. Undefined unless a discovery source finds them. */
  readonly discovery: DiscoveryStatus | undefined
  /**
   * Beside a discovery source, what is added, removed or replaced by hand holds until it finds another list.
   * @throws GatewayError `BAD_OPTION`, also when the id is taken
   */
  add(endpoint: EndpointInit): EndpointView
  /**
   * Takes an endpoint out: it is not picked any more from now on; what is in flight goes on.
   * @returns whether its last request ended before the deadline
   * @throws GatewayError `BAD_OPTION` (as a rejection, like the others below) for an unknown id
   */
  remove(id: string, options?: DrainOptions): Promise<boolean>
  /**
   * Sets the weight to 0, so that no new request comes, and waits for those in flight. `setWeight` brings it back.
   * @returns whether its last request ended before the deadline
   * @throws GatewayError `BAD_OPTION`
   */
  drain(id: string, options?: DrainOptions): Promise<boolean>
  /** Changes a share of the traffic: 0 to 1,000,000; 0 drains. @throws GatewayError `BAD_OPTION` */
  setWeight(id: string, weight: number): void
  /**
   * Makes this the list of endpoints, whole or (when something in it is wrong) not at all. An endpoint with the same id and
   * the same target stays and keeps its figures; its weight is set only if the list before gave another.
   * @returns whether the last requests of all that left ended before the deadline
   * @throws GatewayError `BAD_OPTION`
   */
  replace(endpoints: readonly EndpointInit[], options?: DrainOptions): Promise<boolean>
  /** Refuses from now on, ends discovery, and waits at most `drainMs` for requests in flight. Always the same promise. */
  close(): Promise<void>
}

/**
 * Makes a balancer: a set of endpoints, what is known of their health, and a strategy that ranks them.
 * @throws GatewayError `BAD_OPTION`
 * @example createBalancer({ endpoints: ['http://10.0.0.1:4001', { url: 'http://10.0.0.2:4001', weight: 2 }] })
 */
export function createBalancer(given: BalancerOptions): ManagedBalancer {
  const settings = balancerSettings(given)
  const { clock, name, drainMs, ejection: rules } = settings
  // Whoever keeps endpoints that are well from being picked for the moment.
  const gates: Gate[] = []
  const selection = new Selection(settings, gates)
  const membership = new Membership({ clock, rules, name, onSnapshot: (snapshot) => selection.update(snapshot) })
  const leases = new Leases([selection, membership])
  let closed: Promise<void> | undefined

  // What an ask goes through once it is let in. Each line is a stage, in a file or folder of its own.
  const grant = (ask: Ask): Lease | Refusal => {
    membership.refresh()
    const picked = selection.pick(ask)
    return picked ? leases.give(picked) : noneHealthy
  }
  const deadlineOf = (owner: string, wait: DrainOptions) => checkOptions(owner, wait, drainChecks).deadlineMs ?? drainMs

  membership.replace(settings.endpoints)
  const discovery = discoveryOf(settings, membership)
  return {
    acquire(ask) {
      return closed === undefined ? grant(ask) : draining
    },
    get endpoints() {
      return membership.all
    },
    ready: () => readiness(discovery),
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
      return leaving.leases.whenNone(clock, deadlineMs)
    },
    setWeight(id, share) {
      const checked = checkOptions('setWeight', { weight: share }, { weight })
      membership.setWeight(membership.find(id), checked.weight)
    },
    async replace(inits, wait = {}) {
      const deadlineMs = deadlineOf('replace', wait)
      const gone = membership.replace(checkOptions('replace', { endpoints: inits }, { endpoints }).endpoints)
      const idle = await Promise.all(gone.map((left) => left.leases.whenNone(clock, deadlineMs)))
      return idle.every(Boolean)
    },
    close() {
      discovery?.close()
      closed ??= leases.whenNone(clock, drainMs).then(() => {})
      return closed
    },
  }
}

function discoveryOf(settings: BalancerSettings, membership: Membership): Discovery | undefined {
  const { source, discovery: rules, clock, name } = settings
  if (!source) return undefined
  return new Discovery({
    ...{ source, rules, clock, name },
    known: () => new Set(membership.all.map(({ id }) => id)),
    onList: (specs) => void membership.replace(specs),
  })
}

async function readiness(discovery: Discovery | undefined): Promise<void> {
  // Whatever looks for endpoints keeps no process alive, so that one that only waits for them would end before they come.
  const stay = setInterval(() => {}, MAX_DELAY_MS)
  await discovery?.first
  clearInterval(stay)
}

const MAX_DELAY_MS = 2_147_483_647

const draining: Refusal = Object.freeze({ reason: 'draining' })
const noneHealthy: Refusal = Object.freeze({ reason: 'none-healthy' })
