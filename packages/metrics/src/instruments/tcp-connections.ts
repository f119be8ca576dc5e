import type { EventMap } from '@gatelet/core'
import type { Family } from './family.ts'
import { type Kit, LONG_SECONDS } from './kit.ts'
import type { Distribution, Series } from './series.ts'

/** Counts connections that were forwarded byte for byte. */
export class TcpConnections {
  private readonly durations: Family<Distribution>
  private readonly bytes: Family<Series>

  constructor(kit: Kit) {
    const labels = ['gatelet.endpoint', 'gatelet.outcome']
    const help = 'How long TCP connections lasted that are over: finished, failed, or refused since no endpoint took them.'
    this.durations = kit.histogram({ name: 'gatelet.tcp.connection.duration', unit: 's', help, labels }, LONG_SECONDS)
    this.bytes = kit.counter({
      name: 'gatelet.tcp.io',
      unit: 'By',
      help: 'Bytes of these connections, from clients (receive) and to them (transmit).',
      labels: ['gatelet.endpoint', 'network.io.direction'],
    })
  }

  finished({ endpoint, outcome, received, sent, durationMs }: EventMap['connection:finished']): void {
    const id = endpoint?.id ?? ''
    this.durations.at(id, outcome).observe(durationMs / 1_000)
    this.bytes.at(id, 'receive').value += received
    this.bytes.at(id, 'transmit').value += sent
  }
}
