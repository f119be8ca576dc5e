import { type Context, type Exchange, exchangeOf } from '@gatelet/core'

/**
 * Something that is kept with each of some objects, on the object itself: in a map of what comes and goes all the time, it would be most
 * of what the garbage collector has to do for a request here.
 */
export class Attached<K extends object, V> {
  // Of its own for each, so that two of them do not meet on one object.
  private readonly key: symbol = Symbol('gatelet.attached')

  get(object: K): V | undefined {
    return (object as { [key: symbol]: V | undefined })[this.key]
  }

  set(object: K, value: V): void {
    ;(object as { [key: symbol]: V | undefined })[this.key] = value
  }

  /** Does not take the key off the object, which would make it slow. */
  remove(object: K): void {
    ;(object as { [key: symbol]: V | undefined })[this.key] = undefined
  }
}

/** The exchange of the request that something is done for: a cache asks in the background what several wait for. */
export function requestOf(context: Context): Exchange | undefined {
  const own = exchangeOf(context)
  return own?.cause ?? own
}
