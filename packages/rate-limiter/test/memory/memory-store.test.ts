import { memoryRateStore } from '@gatelet/rate-limiter'
import { describeRateStore, virtualClock } from '@gatelet/testing'
import { describe, test } from 'vitest'

describeRateStore(
  'memoryRateStore',
  () => {
    const clock = virtualClock({ now: 12_345 })
    return { store: memoryRateStore({ clock }), advance: (ms) => clock.advance(ms) }
  },
  { describe, test },
)
