import { GatewayError } from '@gatelet/core'

/**
 * Runs `make`. A bad option that it finds is told as the option of `owner` that it is: `createBalancer: drainMs must be …`
 * becomes `createGateway: upstreams.users.drainMs must be …`.
 * @throws what `make` throws
 */
export function within<T>(owner: string, path: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'BAD_OPTION') throw error
    const said = error.message.replace(/^[\w.]+: /, '')
    const full = error.path ? `${path}.${error.path}` : path
    const message = error.path ? `${path}.${said}` : said.replace(/^the options/, path)
    throw new GatewayError('BAD_OPTION', { path: full, message: `${owner}: ${message}`, cause: error })
  }
}
