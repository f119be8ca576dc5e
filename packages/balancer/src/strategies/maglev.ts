import {
  type Check,
  type Checks,
  checkOptions,
  type Endpoint,
  options,
  type PickContext,
  type StrategyFactory,
} from '@gatelet/core'
import { hashed, type KeyOrder } from './hashed.ts'
import { maglevTable } from './maglev-table.ts'
import { RendezvousOrder } from './rendezvous.ts'

/** How large the table of `maglev` is. */
export interface MaglevOptions {
  /**
   * Places in the table, 4 bytes each: a prime number from 3 to 5,000,011. With a hundred for each endpoint or more, all get
   * their share to 1 %, and few keys of others move when one leaves. Default 65,537; 1,048,583 for more than 655 endpoints.
   */
  tableSize?: number
}

/**
 * Sends a key to the endpoint in its place of a table that is filled in advance (Eisenbud and others, "Maglev", 2016): O(1)
 * whatever the number of endpoints. When one leaves, up to a hundredth of the others' keys move too. A change fills the
 * table anew, which takes milliseconds (tens of them with 1,048,583 places). A key whose endpoint is refused goes to the
 * first of its order in rendezvous hashing: O(n).
 * @throws GatewayError `BAD_OPTION`
 */
export function maglev(given: MaglevOptions = {}): StrategyFactory {
  const { tableSize } = checkOptions('maglev', given, checks)
  return hashed((endpoints) => new MaglevOrder(endpoints, tableSize ?? enoughFor(endpoints.length)))
}

class MaglevOrder implements KeyOrder {
  private readonly endpoints: readonly Endpoint[]
  private readonly table: Uint32Array
  private readonly others: RendezvousOrder

  constructor(endpoints: readonly Endpoint[], tableSize: number) {
    this.endpoints = endpoints
    this.table = maglevTable(endpoints, tableSize)
    this.others = new RendezvousOrder(endpoints)
  }

  first(key: number, context: PickContext): Endpoint | undefined {
    const owner = this.endpoints[this.ownerOf(key)]
    return owner && context.accepts(owner) ? owner : this.others.first(key, context)
  }

  distance(key: number, at: number): number {
    return this.ownerOf(key) === at ? 0 : this.others.distance(key, at)
  }

  private ownerOf(key: number): number {
    return this.table[key % this.table.length] as number
  }
}

const MOST = 5_000_011

function enoughFor(count: number): number {
  return count * 100 <= 65_537 ? 65_537 : 1_048_583
}

const range = options.number({ min: 3, max: MOST, integer: true })

const prime: Check<number> = (value, path) => {
  const size = range(value, path)
  if (!isPrime(size)) throw options.wrong(size, path, `a prime number from 3 to ${MOST}, such as 65537`)
  return size
}

function isPrime(whole: number): boolean {
  for (let divisor = 2; divisor * divisor <= whole; divisor++) if (whole % divisor === 0) return false
  return true
}

const checks: Checks<MaglevOptions> = { tableSize: options.optional(prime) }
