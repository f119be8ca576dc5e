import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Leaves handshakes to others. */
export const takesNoHandshakes: StartAdapter = nodeStarter({ upgrades: false })
