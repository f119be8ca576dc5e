import { type Waiter, WaiterList } from './waiter.ts'

/** Waiters of one priority, with a list for each kind. */
interface Class {
  readonly priority: number
  readonly lists: Map<string, WaiterList>
}

/**
 * Who waits, by priority and kind. Finding who is next looks at the head of each list, never at those behind it, since all of
 * one kind can go to the same endpoints: a retry that waits for another one does not stand in the way of a request that can go
 * to any.
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
    const list = found.lists.get(waiter.kind) ?? new WaiterList()
    found.lists.set(waiter.kind, list)
    list.push(waiter)
    waiter.isWaiting = true
    this.count++
  }

  /** @returns whether it was there */
  remove(waiter: Waiter): boolean {
    const { kind, priority } = waiter
    if (!waiter.isWaiting) return false
    waiter.isWaiting = false
    const at = this.classes.findIndex((each) => each.priority === priority)
    const { lists } = this.classes[at] as Class
    const list = lists.get(kind) as WaiterList
    list.remove(waiter)
    this.count--
    if (list.oldest) return true
    lists.delete(kind)
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
