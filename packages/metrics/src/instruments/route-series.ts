import type { Context, Summary } from '@gatelet/core'
import { methodOf } from '../traces/attributes.ts'
import { ByStatus } from './by-status.ts'
import type { Family } from './family.ts'
import type { Distribution, Series } from './series.ts'

/** Those of which each route has series. */
export interface RouteFamilies {
  readonly durations: Family<Distribution>
  readonly gateway: Family<Distribution>
  readonly upstream: Family<Distribution>
  readonly bodies: Family<Series>
}

/** The series of one route, at hand. */
export class RouteSeries {
  readonly gateway: Distribution
  readonly upstream: Distribution
  readonly received: Series
  readonly sent: Series
  private readonly route: string
  private readonly durations: Family<Distribution>
  private readonly usual: ByStatus

  constructor(route: string, { durations, gateway, upstream, bodies }: RouteFamilies) {
    this.route = route
    this.durations = durations
    this.usual = new ByStatus(durations, (method, status) => [method, status, route, '', 'http', '1.1'])
    this.gateway = gateway.at(route)
    this.upstream = upstream.at(route)
    this.received = bodies.at(route, 'receive')
    this.sent = bodies.at(route, 'transmit')
  }

  duration({ request }: Context, { status }: Summary, error: string): Distribution {
    const { url, protocol } = request
    const method = methodOf(request)
    // Nearly all have no error, and come by one scheme and one version.
    if (error === '' && protocol === '1.1' && url.scheme === 'http') return this.usual.at(method, status)
    return this.durations.at(method, status, this.route, error, url.scheme, protocol)
  }
}
