/** Whether a layer answered later. Cheaper than `instanceof`, and true for every thenable that `await` would wait for. */
export function isPromise<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
