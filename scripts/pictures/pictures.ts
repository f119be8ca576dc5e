import { cacheFlows } from './cache-flows.ts'
import { keyMovement } from './key-movement.ts'
import { limits } from './limits.ts'
import { loadSpread } from './load-spread.ts'
import { slowServer } from './slow-server.ts'

/** Every picture of the guides, by its path from the root. What is simulated has a seed: the same each time. */
export const pictures: Readonly<Record<string, () => string>> = {
  'docs/guides/pictures/load-spread.svg': loadSpread,
  'docs/guides/pictures/slow-server.svg': slowServer,
  'docs/guides/pictures/key-movement.svg': keyMovement,
  'docs/guides/pictures/limits.svg': limits,
  'docs/guides/pictures/cache-flows.svg': cacheFlows,
}
