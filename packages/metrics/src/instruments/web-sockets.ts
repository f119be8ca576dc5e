import type { Family } from './family.ts'
import { type Kit, LONG_SECONDS } from './kit.ts'
import type { Distribution, Series } from './series.ts'

interface Side {
  readonly messages: Series
  readonly bytes: Series
}

/** The series of the WebSockets of one route. */
export interface SocketSeries {
  readonly opened: Series
  readonly active: Series
  readonly duration: Distribution
  readonly received: Side
  readonly sent: Side
}

/** Counts WebSockets of clients, and what passes on them. */
export class WebSockets {
  private readonly opened: Family<Series>
  private readonly active: Family<Series>
  private readonly durations: Family<Distribution>
  private readonly messages: Family<Series>
  private readonly bytes: Family<Series>

  constructor(kit: Kit) {
    this.opened = kit.counter({
      name: 'gatelet.websocket.connections',
      unit: '{connection}',
      help: 'WebSockets of clients that have opened.',
      labels: ['http.route'],
    })
    this.active = kit.updown({
      name: 'gatelet.websocket.active_connections',
      unit: '{connection}',
      help: 'WebSockets of clients that are open.',
      labels: ['http.route'],
    })
    const duration = { name: 'gatelet.websocket.connection.duration', unit: 's', labels: ['http.route'] }
    this.durations = kit.histogram({ ...duration, help: 'How long WebSockets were open.' }, LONG_SECONDS)
    this.messages = kit.counter({
      name: 'gatelet.websocket.messages',
      unit: '{message}',
      help: 'Messages on WebSockets, from clients (receive) and to them (transmit).',
      labels: ['http.route', 'network.io.direction'],
    })
    this.bytes = kit.counter({
      name: 'gatelet.websocket.io',
      unit: 'By',
      help: 'Bytes of these messages; of their frames where they are passed on as they come.',
      labels: ['http.route', 'network.io.direction'],
    })
  }

  at(route: string): SocketSeries {
    const side = (direction: string) => ({ messages: this.messages.at(route, direction), bytes: this.bytes.at(route, direction) })
    return {
      opened: this.opened.at(route),
      active: this.active.at(route),
      duration: this.durations.at(route),
      received: side('receive'),
      sent: side('transmit'),
    }
  }
}
