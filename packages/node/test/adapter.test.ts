import { describeAdapter } from '@gatelet/testing'
import { describe, test } from 'vitest'
import { nodeStarter } from '../../testing/test/node-starter.ts'

describeAdapter('node', nodeStarter(), { describe, test })
