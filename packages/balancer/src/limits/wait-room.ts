import { type Waiter, WaiterList } from './waiter.ts'

/** Waiters of one priority. Those that were at the same endpoints before can all go to the same ones: a list for each. */
interface Class {
  readonly priority: number
  readonly lists: Map<string, WaiterList>
}

/**
 * Who waits, by priority and by where they have been. Finding who is next looks at the head of each list, never at those
 * behind it: a retry that waits for another endpoint does not stand in the way of a request that can go to any.
 */
export class WaitRoom {
  count = 0
  /** Highest priority first; none is empty. */
  private readonly classes: Class[] = []

  add(waiter: Waiter): void {
    const at = this.classes.findIndex(({ priority }) => priority <= waiter.priority)
    let found = this.classes[at]
    if (found?.priority !== waiter.priority) {
      found = { priority: waiter.priority, lists: new Map() }
      this.classes.splice(at < 0 ? this.classes.length : at, 0, found)
    }
    const key = listOf(waiter)
    const list = found.lists.get(key) ?? new WaiterList()
    found.lists.set(key, list)
    list.push(waiter)
    waiter.list = key
    this.count++
  }

  /** @returns whether it was there */
  remove(waiter: Waiter): boolean {
    const { list: key, priority } = waiter
    if (key === undefined) return false
    waiter.list = undefined
    const at = this.classes.findIndex((each) => each.priority === priority)
    const { lists } = this.classes[at] as Class
    const list = lists.get(key) as WaiterList
    list.remove(waiter)
    this.count--
    if (list.oldest) return true
    lists.delete(key)
    if (lists.size === 0) this.classes.splice(at, 1)
    return true
  }

  /** The oldest of each list, or the newest: the highest priority first, and of one priority in the order of their coming. */
  *heads(which: 'oldest' | 'newest'): Generator<Waiter> {
    const sign = which === 'oldest' ? 1 : -1
    for (const { lists } of [...this.classes]) {
      const heads = Array.from(lists.values(), (list) => list[which] as Waiter)
      yield* heads.length < 2 ? heads : heads.sort((a, b) => (a.turn - b.turn) * sign)
    }
  }

  /** The newest of the lowest priority, if that is lower than `priority`. */
  below(priority: number): Waiter | undefined {
    const lowest = this.classes.at(-1)
    if (!lowest || lowest.priority >= priority) return undefined
    const newest = Array.from(lowest.lists.values(), (list) => list.newest as Waiter)
    return newest.reduce((latest, waiter) => (waiter.turn > latest.turn ? waiter : latest))
  }
}

// An endpoint's id may hold anything but is never empty, so JSON keeps lists of them apart.
const listOf = ({ ask }: Waiter): string => (ask.tried.length === 0 ? '' : JSON.stringify(ask.tried.map(({ id }) => id).sort()))
