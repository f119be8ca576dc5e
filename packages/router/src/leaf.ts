import type { Route } from './route.ts'

/** The routes that end at one place of the tree: they differ in their methods only. */
export class Leaf<D> {
  private readonly byMethod = new Map<string, Route<D>>()
  private anyMethod: Route<D> | undefined

  add(route: Route<D>): void {
    if (!route.method) this.anyMethod = route
    else for (const method of route.method) this.byMethod.set(method, route)
  }

  /** HEAD is GET without the content (RFC 9110 §9.3.2), so that whatever guards GET here guards HEAD as well. */
  find(method: string): Route<D> | undefined {
    const found = this.byMethod.get(method) ?? (method === 'HEAD' ? this.byMethod.get('GET') : undefined)
    return found ?? this.anyMethod
  }

  get methods(): Iterable<string> {
    return this.byMethod.keys()
  }
}
