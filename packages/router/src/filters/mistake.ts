import { GatewayError, options } from '@gatelet/core'

/**
 * The error for options that are each right, but not together.
 * @param owner the function that takes them
 * @param expected completes "must be …"
 */
export function mistake(owner: string, value: unknown, path: string, expected: string): GatewayError {
  return new GatewayError('BAD_OPTION', { path, message: `${owner}: ${options.wrong(value, path, expected).message}` })
}
