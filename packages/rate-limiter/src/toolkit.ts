// What stores share that ask somebody else: a deadline, a breaker. For authors of stores; applications have no use for it.
export type { AskingInit, Question } from './remote/asking.ts'
export { Asking } from './remote/asking.ts'
export type { BreakerInit, BreakerOptions } from './remote/breaker.ts'
export { Breaker, breakerChecks } from './remote/breaker.ts'
export type { Pending } from './remote/deadlines.ts'
export { Deadlines } from './remote/deadlines.ts'
export { newLeases } from './remote/new-leases.ts'
