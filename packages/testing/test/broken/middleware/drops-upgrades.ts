import type { Middleware } from '@gatelet/core'

/** Makes a new reply out of the parts that it knows. */
export const dropsUpgrades: Middleware = async (ctx, next) => {
  const { status, headers, body } = await next(ctx)
  return { status, headers: headers.clone().set('x-seen', '1'), body }
}
