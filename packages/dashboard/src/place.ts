import { type Context, originalOf } from '@gatelet/core'

// What routers leave in the state for those that are mounted in them. By its name in the registry: this package knows no router.
const mounted: unique symbol = Symbol.for('gatelet.router.mounted')

/**
 * The part of the path that is the dashboard's, beginning with a slash: behind the pattern of a router, behind `prefix`, or
 * all of it, as where a framework has taken its mount away. Undefined for what is not below the prefix.
 */
export function placeOf({ request, state }: Context, prefix: string): string | undefined {
  const { path } = request.url
  const router = (state as { readonly [mounted]?: { readonly path: string; readonly end: number } })[mounted]
  const rest = router?.path === path ? path.slice(router.end) : path
  if (prefix === '') return rest === '' ? '/' : rest
  if (rest === prefix) return '/'
  return rest.startsWith(`${prefix}/`) ? rest.slice(prefix.length) : undefined
}

/**
 * Where the page has to be asked instead, so that the URLs in it, which are relative, lead here: `admin/` for `/admin`. Looks at
 * what the client has sent, since a framework makes `/` of both.
 */
export function missingSlash({ request }: Context): string | undefined {
  const [path = ''] = originalOf(request).target.split(/[?#]/, 1)
  return path.endsWith('/') ? undefined : `./${path.slice(path.lastIndexOf('/') + 1)}/`
}
