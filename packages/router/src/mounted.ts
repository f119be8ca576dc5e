import type { Context } from '@gatelet/core'

/** How much of the path the routers around have used up. Only routers and `stripPrefix` read it. */
export interface Mounted {
  /** The path it speaks of. When a layer has changed the path since, it says nothing about the new one. */
  readonly path: string
  /** Where the rest begins: at a slash, or at the end of the path. */
  readonly end: number
  /** The patterns that used it up, one after the other. */
  readonly route: string
}

// In the global registry, so that routers of two copies of this package in one program still understand each other.
const key: unique symbol = Symbol.for('gatelet.router.mounted')

/** For `ctx.with`. */
export function mountedAt(mounted: Mounted): object {
  return { [key]: mounted }
}

/** Where the router around this one left off; undefined when there is none, or when the path is another one by now. */
export function mountedIn(ctx: Context): Mounted | undefined {
  const mounted = (ctx.state as { readonly [key]?: Mounted })[key]
  return mounted?.path === ctx.request.url.path ? mounted : undefined
}
