import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Believes what a client says about itself. */
export const trustsEverybody: StartAdapter = nodeStarter({ options: { trustedProxies: 1 } })
