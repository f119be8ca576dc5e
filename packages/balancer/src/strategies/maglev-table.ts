import type { Endpoint } from '@gatelet/core'
import { xxHash32 } from './xxhash32.ts'

/**
 * Fills the table of Maglev hashing (paper, listing 1): in turns, each endpoint takes the next free place of its own
 * sequence, until none is free. The heaviest take one in each turn, the others in proportion, beginning with the first turn:
 * so each has a place, where there are enough. (Envoy's weighting: of 65,537, weights 1 and 2 get 21,846 and 43,691.)
 * @param endpoints in an order that does not depend on where they came from
 * @param size a prime number
 * @returns for each place, whose it is; all 0 where there are no endpoints
 */
export function maglevTable(endpoints: readonly Endpoint[], size: number): Uint32Array {
  const table = new Uint32Array(size)
  if (endpoints.length === 0) return table
  table.fill(FREE)
  const offsets = Uint32Array.from(endpoints, ({ id }) => xxHash32(id, 3) % size)
  const skips = Uint32Array.from(endpoints, ({ id }) => (xxHash32(id, 4) % (size - 1)) + 1)
  const turns = new Turns(endpoints, size)
  for (let taken = 0; taken < size; taken++) {
    const at = turns.next()
    const skip = skips[at] as number
    let place = offsets[at] as number
    while (table[place] !== FREE) place = (place + skip) % size
    table[place] = at
    offsets[at] = (place + skip) % size
  }
  return table
}

const FREE = 0xffff_ffff

/**
 * Whose turn it is, again and again: the k-th one (from 0) of a weight w comes in turn max(1, k × heaviest / w). Who has a
 * turn is kept in a list for that turn, so that a light endpoint costs nothing in the turns that it sits out: with very
 * unequal weights there are as many turns as places.
 */
class Turns {
  private readonly strides: Float64Array
  private readonly taken: Uint32Array
  // For each turn the first and the last that has it, and for each endpoint who comes after it in its turn.
  private readonly firsts: Int32Array
  private readonly lasts: Int32Array
  private readonly after: Int32Array
  private turn = 1

  constructor(endpoints: readonly Endpoint[], turns: number) {
    const heaviest = endpoints.reduce((most, { weight }) => Math.max(most, weight), 0)
    this.strides = Float64Array.from(endpoints, ({ weight }) => heaviest / weight)
    this.taken = new Uint32Array(endpoints.length)
    this.firsts = new Int32Array(turns + 2).fill(NOBODY)
    this.lasts = new Int32Array(turns + 2).fill(NOBODY)
    this.after = new Int32Array(endpoints.length).fill(NOBODY)
    for (let at = 0; at < endpoints.length; at++) this.append(at, 1)
  }

  next(): number {
    let at = this.firsts[this.turn] as number
    while (at === NOBODY) at = this.firsts[++this.turn] as number
    this.firsts[this.turn] = this.after[at] as number
    const taken = (this.taken[at] as number) + 1
    this.taken[at] = taken
    // Rounded up, but not where the division was off by its last bit.
    this.append(at, Math.max(this.turn + 1, Math.ceil(taken * (this.strides[at] as number) - 1e-9)))
    return at
  }

  private append(at: number, turn: number): void {
    this.after[at] = NOBODY
    // Beyond the last turn that can come.
    if (turn >= this.firsts.length) return
    const last = this.lasts[turn] as number
    if (last === NOBODY) this.firsts[turn] = at
    else this.after[last] = at
    this.lasts[turn] = at
  }
}

const NOBODY = -1
