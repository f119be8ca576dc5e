import { setTimeout } from 'node:timers/promises'

/**
 * Waits until a count has not changed for about a tenth of a second: what back-pressure holds back tells nobody that it does.
 * A test that goes on too early sees less than there is, so use it only where less is what would be right.
 */
export async function standstill(count: () => number): Promise<void> {
  for (let same = 0, before = count(); same < 20; before = count()) {
    await setTimeout(5)
    same = count() === before ? same + 1 : 0
  }
}
