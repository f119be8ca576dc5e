import type { CacheRequest } from '../policy/types.ts'
import type { PurgeSelector } from '../store.ts'
import { Flight, type Landing } from './flight.ts'

/** The requests under way by their keys: so that others join them, and a change that is made meanwhile holds for them. */
export class Flights {
  private readonly flights = new Map<string, Flight[]>()
  private readonly maxPerKey: number
  private count = 0

  /** @param maxPerKey how many there are for one key at once: one for each variant of the reply */
  constructor(maxPerKey: number) {
    this.maxPerKey = maxPerKey
  }

  get size(): number {
    return this.count
  }

  /** One that may be joined. */
  find(key: string, suits: (flight: Flight) => boolean): Flight | undefined {
    return this.flights.get(key)?.find((flight) => flight.isShared && suits(flight))
  }

  /** One that others may join. @returns undefined when there are enough of them */
  begin(key: string, request: CacheRequest): Flight | undefined {
    const shared = this.flights.get(key)?.filter(({ isShared }) => isShared).length ?? 0
    return shared < this.maxPerKey ? this.add(new Flight(key, request, true)) : undefined
  }

  /** One for itself. */
  alone(key: string, request: CacheRequest): Flight {
    return this.add(new Flight(key, request, false))
  }

  /** Nobody joins it any more. */
  end(flight: Flight): void {
    const flights = this.flights.get(flight.key)
    const at = flights?.indexOf(flight) ?? -1
    if (!flights || at < 0) return
    flights.splice(at, 1)
    if (flight.isShared) this.count--
    if (flights.length === 0) this.flights.delete(flight.key)
  }

  /** What is under way under these keys may be older than a change. Of tags nothing is known before the reply is there. */
  outdate(selector: PurgeSelector): void {
    const chosen = 'key' in selector ? (this.flights.get(selector.key) ?? []) : this.chosenBy(selector)
    for (const flight of [...chosen]) {
      flight.isOutdated = true
      this.end(flight)
    }
  }

  private add(flight: Flight): Flight {
    const flights = this.flights.get(flight.key)
    if (flights) flights.push(flight)
    else this.flights.set(flight.key, [flight])
    if (flight.isShared) this.count++
    return flight
  }

  private chosenBy(selector: Exclude<PurgeSelector, { key: string }>): Flight[] {
    const all = [...this.flights.values()].flat()
    if ('prefix' in selector) return all.filter(({ key }) => key.startsWith(selector.prefix))
    return 'tag' in selector ? all.filter(({ landing }) => !landing || hasTag(landing, selector.tag)) : all
  }
}

function hasTag(landing: Landing, tag: string): boolean {
  return 'meta' in landing && landing.meta.tags.includes(tag)
}
