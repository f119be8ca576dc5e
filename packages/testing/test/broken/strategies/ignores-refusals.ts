import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Never asks which endpoints may be picked. */
export const ignoresRefusals: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let turn = 0
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick: () => endpoints[turn++ % endpoints.length],
  }
}
