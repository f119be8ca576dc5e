import { type Endpoint, type EventMap, GatewayError } from '@gatelet/core'
import { answeredStatus } from '../answered-status.ts'
import { methodOf } from '../traces/attributes.ts'
import { ByStatus } from './by-status.ts'
import type { Family } from './family.ts'
import type { Kit } from './kit.ts'
import { type Distribution, type Series, traceOf } from './series.ts'

/** Counts and times the attempts that are made at endpoints. */
export class Attempts {
  private readonly durations: Family<Distribution>
  private readonly outcomes: Family<Series>
  private readonly resends: Family<Series>
  private readonly byEndpoint = new WeakMap<Endpoint, EndpointSeries>()
  private readonly meet: (endpoint: Endpoint) => void

  /** @param meet is told of each endpoint that is seen for the first time */
  constructor(kit: Kit, meet: (endpoint: Endpoint) => void) {
    this.meet = meet
    this.durations = kit.histogram({
      name: 'http.client.request.duration',
      unit: 's',
      help: 'How long attempts at upstreams took, to the head of the answer or to the failure.',
      labels: ['http.request.method', 'server.address', 'server.port', 'http.response.status_code', 'error.type'],
    })
    this.outcomes = kit.counter({
      name: 'gatelet.upstream.attempts',
      unit: '{attempt}',
      help: 'Attempts at endpoints: success, failure, cancelled (the client left, or a hedge won).',
      labels: ['gatelet.endpoint', 'gatelet.outcome'],
    })
    this.resends = kit.counter({
      name: 'gatelet.upstream.resends',
      unit: '{attempt}',
      help: 'Attempts that were not the first for their request: retries, and hedges.',
      labels: ['gatelet.endpoint', 'gatelet.kind'],
    })
  }

  attempted(event: EventMap['upstream:attempted']): void {
    const { context, endpoint, attempt, outcome, error, origin, isHedge } = event
    const series = this.seriesOf(endpoint, origin)
    series.outcomes[outcome.kind].value++
    if (attempt > 0) this.resends.at(endpoint.id, isHedge ? 'hedge' : 'retry').value++
    const status = answeredStatus(event)
    const method = methodOf(context.request)
    const duration =
      status !== undefined && status < 400
        ? series.answered(method, status)
        : series.find(method, status ?? '', status === undefined ? errorTypeOf(outcome.kind, error) : String(status))
    duration.observe(outcome.latencyMs / 1_000, traceOf(context))
  }

  /** An endpoint is no more: its series make room when others need it. @param living those that there are then */
  removed(living: () => readonly Endpoint[]): void {
    const forget = <T>(family: Family<T>, label: string, of: (endpoint: Endpoint) => string | undefined) =>
      family.forgetWhenFull(() => {
        const left = new Set(living().map(of))
        return (labels) => !left.has(String(labels[label]))
      })
    forget(this.outcomes, 'gatelet.endpoint', ({ id }) => id)
    forget(this.resends, 'gatelet.endpoint', ({ id }) => id)
    forget(this.durations, 'server.address', (endpoint) => this.byEndpoint.get(endpoint)?.address)
  }

  private seriesOf(endpoint: Endpoint, origin: URL | undefined): EndpointSeries {
    const found = this.byEndpoint.get(endpoint)
    if (found) return found
    this.meet(endpoint)
    const made = new EndpointSeries(endpoint, origin, this.outcomes, this.durations)
    if (this.outcomes.mayKeep(made.outcomes.cancelled)) this.byEndpoint.set(endpoint, made)
    return made
  }
}

/** The series of one endpoint, at hand. */
class EndpointSeries {
  readonly outcomes: Readonly<Record<'success' | 'failure' | 'cancelled', Series>>
  private readonly durations: Family<Distribution>
  readonly address: string
  private readonly port: number | ''
  private readonly answers: ByStatus

  constructor({ id }: Endpoint, origin: URL | undefined, outcomes: Family<Series>, durations: Family<Distribution>) {
    this.outcomes = {
      success: outcomes.at(id, 'success'),
      failure: outcomes.at(id, 'failure'),
      cancelled: outcomes.at(id, 'cancelled'),
    }
    this.durations = durations
    this.answers = new ByStatus(durations, (method, status) => [method, this.address, this.port, status, ''])
    // A function has no address.
    this.address = origin?.hostname ?? id
    this.port = origin ? Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80) : ''
  }

  /** Of an answer that is no error. */
  answered(method: string, status: number): Distribution {
    return this.answers.at(method, status)
  }

  find(method: string, status: number | '', error: string): Distribution {
    return this.durations.at(method, this.address, this.port, status, error)
  }
}

function errorTypeOf(kind: string, error: unknown): string {
  if (error instanceof GatewayError) return error.code
  return kind === 'cancelled' ? 'cancelled' : '_OTHER'
}
