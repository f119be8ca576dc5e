import { GatewayError } from '@gatelet/core'

/**
 * Runs `make`. A bad option that it finds is told as the option of `owner` that it is: `createBalancer: strategy must be …`
 * becomes `createGateway: upstreams.users.strategy must be …`.
 * @param path of the options that `make` takes; empty when they are the owner's own
 * @throws what `make` throws
 */
export function within<T>(owner: string, path: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'BAD_OPTION') throw error
    const around = path === '' ? '' : `${path}.`
    const said = error.message.replace(/^[\w.]+: /, '')
    throw new GatewayError('BAD_OPTION', {
      path: around + (error.path ?? ''),
      message: `${owner}: ${around}${said}`,
      cause: error,
    })
  }
}
