import { describeRateStore, virtualClock } from '@gatelet/testing'
import { serve } from 'gatelet'
import { memoryRateStore } from 'gatelet/rate-limiter'
import { describe, expect, test } from 'vitest'
import { counting, httpRateStore } from './http-rate-store.ts'

// What every store must do: a decision is all or nothing, keys are apart, and twenty things more.
describeRateStore(
  'httpRateStore',
  async () => {
    const clock = virtualClock()
    const server = await serve(counting(memoryRateStore({ clock })), { host: '127.0.0.1', port: 0 })
    return {
      store: httpRateStore(server.url, 5_000),
      advance: (ms) => clock.advance(ms),
      close: () => server.close({ graceMs: 0 }),
    }
  },
  { describe, test },
)

test('fails in time when nobody counts', async () => {
  const server = await serve(() => new Promise<never>(() => {}), { host: '127.0.0.1', port: 0 })
  const rule = { algorithm: 'fixed', name: 'a', limit: 1, windowMs: 1_000 } as const
  await expect(httpRateStore(server.url).take([{ rule, key: 'k', cost: 1 }])).rejects.toThrow(/timeout/)
  await server.close({ graceMs: 0 })
})
