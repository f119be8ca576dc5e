import { vi } from 'vitest'

/** Waits for what tells nobody when it comes. @throws Error when it has not come in five seconds */
export const until = (condition: () => unknown): Promise<unknown> => vi.waitUntil(condition, { interval: 2, timeout: 5_000 })
