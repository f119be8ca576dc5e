import { isPromise, type MaybePromise } from '@gatelet/core'

/** Goes on with what is here already, or will be: what has nothing to wait for stays without a promise. */
export function andThen<T, R>(value: MaybePromise<T>, go: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(go) : go(value)
}
