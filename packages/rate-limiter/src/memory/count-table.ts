/** Whether a state says nothing: its place may be had by another key. */
export type IsIdle = (states: Float64Array, at: number, now: number) => boolean

const PLACES = 8
const MAX_SEGMENTS = 256
const KEYS_PER_SEGMENT = 4_096
const TWO_32 = 4_294_967_296

/**
 * States by the 64 bits of hashed keys, in typed arrays: no object for each key, nothing for the collector to walk.
 *
 * A key may stand in one of two buckets of 8 places. Whoever needs a place takes one whose state has become idle, so nothing
 * has to be swept, and no step ever looks at more than 16 places. When all of them are in use, the segment doubles: of
 * 5 million keys a 256th is moved at a time.
 */
export class CountTable {
  readonly size: number
  private readonly isIdle: IsIdle
  private readonly segments: (Segment | undefined)[]
  private readonly shift: number
  private readonly maxBuckets: number
  /** Where the key that was looked for last stands, or would stand. */
  private segment: Segment = noSegment

  /**
   * @param size numbers of a state
   * @param maxKeys rounded up to a multiple of 8 for each segment
   */
  constructor(size: number, maxKeys: number, isIdle: IsIdle) {
    this.size = size
    this.isIdle = isIdle
    const bits = Math.min(Math.log2(MAX_SEGMENTS), Math.max(0, Math.floor(Math.log2(maxKeys / KEYS_PER_SEGMENT))))
    // A shift by 32 is one by 0: with one segment, bits that are always 0 choose it.
    this.shift = 31 - bits
    this.segments = Array.from({ length: 2 ** bits })
    this.maxBuckets = Math.ceil(maxKeys / 2 ** bits / PLACES)
  }

  /** The states among which the place is that `find` or `place` has returned. */
  get states(): Float64Array {
    return this.segment.states
  }

  /** How many bytes the arrays take. */
  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + (segment ? segment.hashes.byteLength + segment.states.byteLength : 0), 0)
  }

  /** @returns where the state of a key begins in `states`, or -1 */
  find(low: number, high: number): number {
    const segment = this.segments[(low >>> 1) >>> this.shift]
    if (!segment) return -1
    this.segment = segment
    const place = segment.find(low, high)
    return place < 0 ? -1 : place * this.size
  }

  /**
   * Makes a place for a key that is not there. The state in it is for the caller to write.
   * @returns where it begins in `states`, or -1 when all are in use that it may have
   */
  place(low: number, high: number, now: number): number {
    const index = (low >>> 1) >>> this.shift
    let segment = this.segments[index] ?? this.grown(undefined, now)
    let place = segment.free(low, high, now, this.isIdle)
    while (place < 0 && segment.buckets < this.maxBuckets) {
      const larger = this.grown(segment, now)
      // Unheard of: three dozen keys that all want the same few places. They stay where they are.
      if (larger === segment) return -1
      segment = larger
      place = segment.free(low, high, now, this.isIdle)
    }
    this.segments[index] = this.segment = segment
    if (place < 0) return -1
    segment.hashes[place * 2] = low
    segment.hashes[place * 2 + 1] = high
    return place * this.size
  }

  // Sizes are halves of the largest, so that each step is a doubling.
  private grown(segment: Segment | undefined, now: number): Segment {
    let buckets = this.maxBuckets
    while (buckets > 1 && Math.ceil(buckets / 2) > (segment?.buckets ?? 0)) buckets = Math.ceil(buckets / 2)
    const larger = new Segment(buckets, this.size)
    return segment === undefined || segment.moveTo(larger, now, this.isIdle) ? larger : segment
  }
}

class Segment {
  readonly buckets: number
  readonly hashes: Int32Array
  readonly states: Float64Array
  private readonly size: number

  constructor(buckets: number, size: number) {
    this.buckets = buckets
    this.size = size
    this.hashes = new Int32Array(buckets * PLACES * 2)
    this.states = new Float64Array(buckets * PLACES * size)
  }

  find(low: number, high: number): number {
    const found = this.findIn(this.first(high), low, high)
    return found < 0 ? this.findIn(this.second(low), low, high) : found
  }

  private findIn(from: number, low: number, high: number): number {
    const { hashes } = this
    for (let place = from; place < from + PLACES; place++)
      if (hashes[place * 2] === low && hashes[place * 2 + 1] === high) return place
    return -1
  }

  /** A place in the bucket that has more of them: that fills the table to more than four fifths before one has none. */
  free(low: number, high: number, now: number, isIdle: IsIdle): number {
    const first = this.freeIn(this.first(high), now, isIdle)
    const firstCount = this.count
    const second = this.freeIn(this.second(low), now, isIdle)
    return this.count > firstCount ? second : first
  }

  private count = 0

  private freeIn(from: number, now: number, isIdle: IsIdle): number {
    let free = -1
    this.count = 0
    for (let place = from; place < from + PLACES; place++) {
      if (!isIdle(this.states, place * this.size, now)) continue
      free = place
      this.count++
    }
    return free
  }

  moveTo(larger: Segment, now: number, isIdle: IsIdle): boolean {
    const { hashes, states, size } = this
    for (let place = 0; place < this.buckets * PLACES; place++) {
      if (isIdle(states, place * size, now)) continue
      const [low, high] = [hashes[place * 2] as number, hashes[place * 2 + 1] as number]
      const free = larger.free(low, high, now, isIdle)
      if (free < 0) return false
      larger.hashes[free * 2] = low
      larger.hashes[free * 2 + 1] = high
      for (let at = 0; at < size; at++) larger.states[free * size + at] = states[place * size + at] as number
    }
    return true
  }

  private first(high: number): number {
    return Math.floor(((high >>> 0) * this.buckets) / TWO_32) * PLACES
  }

  private second(low: number): number {
    // The upper bits have chosen the segment already.
    return Math.floor(((Math.imul(low, 0x9e3779b1) >>> 0) * this.buckets) / TWO_32) * PLACES
  }
}

const noSegment = new Segment(1, 1)
