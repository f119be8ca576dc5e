import { seededRandom } from './seeded-random.ts'
import type { SimulateSettings } from './simulate-options.ts'

/** When requests come, and how much work each is: depends on the seed alone, whatever a strategy does. */
export class SimulatedTraffic {
  readonly total: number
  private readonly settings: SimulateSettings
  private readonly arrivalChance: () => number
  private readonly workChance: () => number

  constructor(settings: SimulateSettings, seedOf: () => number) {
    this.settings = settings
    this.arrivalChance = seededRandom(seedOf())
    this.workChance = seededRandom(seedOf())
    const { arrivals } = settings
    this.total = 'requests' in arrivals ? arrivals.requests : arrivals.length
  }

  /** When the request at this place arrives; `now` is when the one before did. Infinity: there is none. */
  arrival(place: number, now: number): number {
    const { arrivals } = this.settings
    if (place >= this.total) return Number.POSITIVE_INFINITY
    return 'requests' in arrivals
      ? now + (exponential(this.arrivalChance) * 1_000) / arrivals.perSecond
      : (arrivals[place] as number)
  }

  /** Milliseconds for an ordinary server. */
  nextWork(): number {
    const { meanMs, kind } = this.settings.serviceTimes
    return kind === 'constant' ? meanMs : exponential(this.workChance) * meanMs
  }
}

/** With mean 1. */
const exponential = (chance: () => number): number => -Math.log(1 - chance())
