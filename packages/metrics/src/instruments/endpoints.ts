import type { Endpoint, EventMap } from '@gatelet/core'
import type { Family } from './family.ts'
import type { Kit } from './kit.ts'
import type { Series } from './series.ts'

/** What balancers know of their endpoints. Other endpoints have less. */
interface Known extends Endpoint {
  readonly state?: string
  readonly circuit?: string
  readonly limit?: number
}

const states = ['active', 'half-open', 'draining', 'unhealthy', 'ejected'] as const

/** Tells of endpoints as they are when somebody looks: they are live, and know more than events say. */
export class Endpoints {
  private readonly changes: Family<Series>
  private readonly refs = new WeakMap<Endpoint, WeakRef<Known>>()
  // Weak, since nobody tells of the endpoints of a balancer that was closed.
  private readonly known = new Map<WeakRef<Known>, string>()

  constructor(kit: Kit) {
    const labels = ['gatelet.balancer', 'gatelet.endpoint']
    this.changes = kit.counter({
      name: 'gatelet.endpoint.changes',
      unit: '{change}',
      help: 'Changes of endpoints: added, removed, draining, weighted, ejected, half-open, readmitted, unhealthy, healthy.',
      labels: [...labels, 'gatelet.change'],
    })
    const states = kit.gauge({
      name: 'gatelet.endpoint.state',
      unit: '',
      help: 'Which state an endpoint is in: 1 for that one, 0 for the others.',
      labels: [...labels, 'gatelet.state'],
    })
    states.refresh = () => this.look(states, tellState)
    const gauge = (name: string, unit: string, help: string, value: (endpoint: Known) => number) => {
      const family = kit.gauge({ name: `gatelet.endpoint.${name}`, unit, help, labels })
      family.refresh = () => this.look(family, (_, endpoint, balancer) => tell(family, [balancer, endpoint.id], value(endpoint)))
    }
    gauge('weight', '', 'Its share of the traffic relative to the others, as of now.', ({ weight }) => weight)
    gauge('active_requests', '{request}', 'Requests that an endpoint has in flight.', ({ inflight }) => inflight)
    gauge('limit', '{request}', 'How many requests an endpoint may have in flight now, where that is limited.', limitOf)
  }

  changed({ endpoint, change, balancer = '' }: EventMap['endpoint:changed']): void {
    this.changes.at(balancer, endpoint.id, change).value++
    if (change === 'removed') this.remove(endpoint)
    else this.meet(endpoint, balancer)
  }

  /** There is one, which may be known already. @param balancer its name, from who knows it */
  meet(endpoint: Endpoint, balancer?: string): void {
    const ref = this.refs.get(endpoint) ?? new WeakRef<Known>(endpoint)
    this.refs.set(endpoint, ref)
    this.known.set(ref, balancer ?? this.known.get(ref) ?? '')
  }

  /** Those that there are. */
  all(): readonly Endpoint[] {
    return this.living().map(([endpoint]) => endpoint)
  }

  private remove(endpoint: Endpoint): void {
    const ref = this.refs.get(endpoint)
    if (ref) this.known.delete(ref)
    this.changes.forgetWhenFull(() => {
      const ids = new Set(this.all().map(({ id }) => id))
      return (labels) => !ids.has(String(labels['gatelet.endpoint']))
    })
  }

  private living(): (readonly [endpoint: Known, balancer: string])[] {
    const living: (readonly [Known, string])[] = []
    for (const [ref, balancer] of this.known) {
      const endpoint = ref.deref()
      if (endpoint) living.push([endpoint, balancer])
      else this.known.delete(ref)
    }
    return living
  }

  private look(family: Family<Series>, tellOf: (family: Family<Series>, endpoint: Known, balancer: string) => void): void {
    family.clear()
    for (const [endpoint, balancer] of this.living()) tellOf(family, endpoint, balancer)
  }
}

const limitOf = ({ limit = Number.POSITIVE_INFINITY }: Known): number => limit

function tellState(family: Family<Series>, endpoint: Known, balancer: string): void {
  const now = stateOf(endpoint)
  for (const state of states) tell(family, [balancer, endpoint.id, state], state === now ? 1 : 0)
}

function stateOf({ state = 'active', circuit, weight }: Known): string {
  if (state !== 'active') return state
  if (weight === 0) return 'draining'
  return circuit === 'half-open' ? 'half-open' : 'active'
}

// What is not limited has no figure. Where there is no room for all, those without a place of their own are left out: their sum is none.
function tell(family: Family<Series>, labels: readonly string[], value: number): void {
  if (!Number.isFinite(value)) return
  const series = family.at(...labels)
  if (family.mayKeep(series)) series.value = value
}
