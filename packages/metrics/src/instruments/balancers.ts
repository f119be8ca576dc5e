import type { EventMap } from '@gatelet/core'
import type { Family } from './family.ts'
import type { Kit } from './kit.ts'
import type { Distribution, Series } from './series.ts'

/** Records what balancers do besides picking: their queues, what discovery finds, and how busy the process is. */
export class Balancers {
  private readonly waiting: Family<Series>
  private readonly waits: Family<Distribution>
  private readonly discoveries: Family<Series>
  private readonly found: Family<Series>
  private readonly skipped: Family<Series>
  private readonly pressure: Family<Series>
  private readonly delay: Family<Series>

  constructor(kit: Kit) {
    this.waiting = kit.updown({
      name: 'gatelet.queue.waiting',
      unit: '{request}',
      help: 'Requests that wait for an endpoint below its limit.',
      labels: ['gatelet.balancer'],
    })
    this.waits = kit.histogram({
      name: 'gatelet.queue.duration',
      unit: 's',
      help: 'How long they waited, and what came of it: served, or why they were refused.',
      labels: ['gatelet.balancer', 'gatelet.outcome'],
    })
    const source = ['gatelet.balancer', 'gatelet.source']
    this.discoveries = kit.counter({
      name: 'gatelet.discovery.updates',
      unit: '{update}',
      help: 'Lists of endpoints that were taken over (updated), and attempts to get one that failed.',
      labels: [...source, 'gatelet.outcome'],
    })
    this.found = kit.gauge({
      name: 'gatelet.discovery.endpoints',
      unit: '{endpoint}',
      help: 'Endpoints in the list that was taken over last.',
      labels: source,
    })
    this.skipped = kit.gauge({
      name: 'gatelet.discovery.skipped',
      unit: '{endpoint}',
      help: 'Entries of that list that were not right.',
      labels: source,
    })
    this.pressure = kit.gauge({
      name: 'gatelet.load.pressure',
      unit: '1',
      help: 'How much is shed since this process is busy: 0 nothing, 1 all but what is most important.',
      labels: [],
    })
    this.delay = kit.gauge({
      name: 'gatelet.load.delay',
      unit: 's',
      help: 'How late the event loop was when that was looked at.',
      labels: [],
    })
  }

  joined({ waiting, balancer = '' }: EventMap['queue:joined']): void {
    this.waiting.at(balancer).value = waiting
  }

  left({ outcome, waitedMs, waiting, balancer = '' }: EventMap['queue:left']): void {
    this.waiting.at(balancer).value = waiting
    this.waits.at(balancer, outcome).observe(waitedMs / 1_000)
  }

  discovered({ source, endpoints, skipped, balancer = '' }: EventMap['discovery:updated']): void {
    this.discoveries.at(balancer, source, 'updated').value++
    this.found.at(balancer, source).value = endpoints
    this.skipped.at(balancer, source).value = skipped
  }

  notDiscovered({ source, balancer = '' }: EventMap['discovery:failed']): void {
    this.discoveries.at(balancer, source, 'failed').value++
  }

  loaded({ pressure, delayMs }: EventMap['load:changed']): void {
    this.pressure.at().value = pressure
    this.delay.at().value = delayMs / 1_000
  }
}
