export type { ClusterRateStoreOptions } from './cluster/cluster-rate-store.ts'
export { clusterRateStore } from './cluster/cluster-rate-store.ts'
export { countForWorkers } from './cluster/count-for-workers.ts'
export type { Duration } from './duration.ts'
export type { RateGrant } from './grant.ts'
export type { AddressKeyOptions, RateKey } from './keys.ts'
export { byApiKey, byClientAddress, byHeader, byPrincipal } from './keys.ts'
export type { MemoryRateStore, MemoryRateStoreOptions } from './memory/memory-store.ts'
export { memoryRateStore } from './memory/memory-store.ts'
export type { BanOptions, PlanOptions, RateLimitOptions, WaitOptions } from './options.ts'
export type { RateCost, RatePolicyOptions } from './policy.ts'
export { rateLimit } from './rate-limit.ts'
export type { BreakerOptions } from './remote/breaker.ts'
export type {
  CalendarRule,
  ConcurrencyRule,
  GcraRule,
  RateRequest,
  RateRule,
  RateStore,
  RateVerdict,
  WindowRule,
} from './store.ts'
export type { AllowedVerdict, LimitedVerdict, PolicyVerdict, RateLimitVerdict } from './verdict.ts'
