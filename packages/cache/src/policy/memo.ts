/**
 * What was found out once about an object that never changes, kept with it: it goes when the object goes, and copies of the object
 * do not have it. (In a WeakMap it would outlive thousands of young objects, whose collection it slows down.)
 */
export class Memo<K extends object, V> {
  private readonly field = Symbol('memo')
  // Of objects that take no more fields.
  private readonly frozen = new WeakMap<K, V>()

  get(of: K): V | undefined {
    const kept = (of as Record<symbol, V | undefined>)[this.field]
    return kept === undefined && !Object.isExtensible(of) ? this.frozen.get(of) : kept
  }

  set(of: K, value: V): void {
    if (Object.isExtensible(of)) Object.defineProperty(of, this.field, { value, writable: true, enumerable: false })
    else this.frozen.set(of, value)
  }
}
