import type { HealthCheck } from './options.ts'
import type { ProbeFactory } from './probe.ts'

/** Asks a function of the user's. */
export function callProbe(check: HealthCheck): ProbeFactory {
  return (endpoint) => ({
    async check(signal) {
      const isWell = await check(endpoint, { signal })
      if (isWell !== true) throw new Error('the check said no')
    },
    close() {},
  })
}
