import { GatewayError } from './errors.ts'

/** Whether a layer answered later. Cheaper than `instanceof`, and true for every thenable that `await` would wait for. */
export function isPromise<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/**
 * What a function of the user's gave that is not to give a promise: that would be neither yes nor no, and when it rejects, end
 * the process.
 * @throws GatewayError `BAD_OPTION`
 */
export function atOnce<T>(answer: T, name: string): T {
  if (!isPromise(answer)) return answer
  void answer.then(undefined, () => {}) // what it rejects with is of no use any more
  throw new GatewayError('BAD_OPTION', { message: `${name} must answer at once, not with a promise` })
}
