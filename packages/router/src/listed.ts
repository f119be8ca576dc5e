import type { ListedRoute, RouteList } from './route-list.ts'

const lists = new WeakMap<object, RouteList>()

/** Remembers whose routes they are. */
export function list(router: object, routes: RouteList): void {
  lists.set(router, routes)
}

/** The routes of a router as they are now; undefined for what is no router. */
export function routesOf(handler: unknown): readonly ListedRoute[] | undefined {
  return typeof handler === 'function' ? lists.get(handler)?.all : undefined
}
