import { type Checks, checkOptions, type Endpoint, options, type PickContext, type StrategyFactory } from '@gatelet/core'
import { HashRing } from './hash-ring.ts'
import { hashed, type KeyOrder } from './hashed.ts'
import { mixed, xxHash32 } from './xxhash32.ts'

/** How many points endpoints have on the ring of `ringHash`. */
export interface RingHashOptions {
  /**
   * Points of an endpoint for each unit of its weight, 1 to 10,000. More spread the keys more evenly, and cost 8 bytes and some
   * time at each change. Default 160: one of ten endpoints gets at most a fifth more than its share, usually; with 1,024 a tenth.
   */
  pointsPerWeight?: number
}

/**
 * Sends a key to the owner of the next point on a ring (consistent hashing, Karger and others 1997; points as in ketama).
 * When an endpoint leaves, only its keys move; one that joins takes from the others, and nothing else moves. O(1). Prefer
 * `rendezvous` or `maglev`, which spread keys more evenly; this one is for those who know a ring and want its guarantees
 * for more endpoints than the first of them can look at.
 *
 * Weights need not be around 1: all points are halved or doubled, as often as it takes, where the average endpoint would
 * have more than 16 times `pointsPerWeight` or less than a quarter of it, or all together more than 1,048,576. A change of
 * membership or weight that crosses such a border moves keys of others too.
 * @throws GatewayError `BAD_OPTION`
 */
export function ringHash(given: RingHashOptions = {}): StrategyFactory {
  const { pointsPerWeight = 160 } = checkOptions('ringHash', given, checks)
  return hashed((endpoints) => new RingOrder(endpoints, pointsPerWeight))
}

class RingOrder implements KeyOrder {
  private readonly endpoints: readonly Endpoint[]
  private readonly ring: HashRing
  // In which walk an endpoint was asked about last, so that each is asked about once in a walk, however many points it has.
  private readonly askedIn: Uint32Array
  private walk = 0

  constructor(endpoints: readonly Endpoint[], pointsPerWeight: number) {
    this.endpoints = endpoints
    this.ring = ringOf(endpoints, pointsPerWeight)
    this.askedIn = new Uint32Array(endpoints.length)
  }

  first(key: number, context: PickContext): Endpoint | undefined {
    const { endpoints, ring } = this
    if (endpoints.length === 0) return undefined
    const start = ring.placeAfter(key)
    const owner = endpoints[ring.ownerAt(start)] as Endpoint
    return context.accepts(owner) ? owner : this.next(start, context)
  }

  distance(key: number, at: number): number {
    const start = this.ring.placeAfter(key)
    let steps = 0
    while (this.ring.ownerAt(start + steps) !== at) steps++
    return steps
  }

  private next(start: number, context: PickContext): Endpoint | undefined {
    const { endpoints, ring, askedIn } = this
    const walk = this.nextWalk()
    askedIn[ring.ownerAt(start)] = walk
    let left = endpoints.length - 1
    for (let place = start + 1; left > 0; place++) {
      const at = ring.ownerAt(place)
      if (askedIn[at] === walk) continue
      askedIn[at] = walk
      left--
      const endpoint = endpoints[at] as Endpoint
      if (context.accepts(endpoint)) return endpoint
    }
    return undefined
  }

  private nextWalk(): number {
    if (this.walk === 0xffff_ffff) {
      this.askedIn.fill(0)
      this.walk = 0
    }
    return ++this.walk
  }
}

function ringOf(endpoints: readonly Endpoint[], pointsPerWeight: number): HashRing {
  const scale = pointsPerWeight * evened(endpoints, pointsPerWeight)
  const counts = endpoints.map(({ weight }) => Math.max(1, Math.round(weight * scale)))
  const points = counts.reduce((sum, count) => sum + count, 0)
  const ring = new HashRing(points)
  for (const [at, { id }] of endpoints.entries()) {
    const high = xxHash32(id, 5)
    const low = xxHash32(id, 6)
    const count = counts[at] as number
    for (let point = 0; point < count; point++) ring.add(mixed(high ^ mixed(low + point)), at)
  }
  ring.close()
  return ring
}

// Powers of two, so that a small change of the average changes nothing unless it crosses a border.
function evened(endpoints: readonly Endpoint[], pointsPerWeight: number): number {
  const sum = endpoints.reduce((sum, { weight }) => sum + weight, 0)
  let scale = 1
  if (sum === 0) return scale
  const average = sum / endpoints.length
  while (average * scale < 1 / 4) scale *= 2
  while (average * scale > 16 || sum * pointsPerWeight * scale > MOST_POINTS) scale /= 2
  return scale
}

const MOST_POINTS = 1_048_576

const checks: Checks<RingHashOptions> = {
  pointsPerWeight: options.optional(options.number({ min: 1, max: 10_000, integer: true })),
}
