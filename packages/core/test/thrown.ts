import { GatewayError } from '@gatelet/core'
import { expect } from 'vitest'

/** What `work` throws, which must be a `GatewayError`. */
export function thrown(work: () => unknown): GatewayError {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError)
    return error as GatewayError
  }
  throw new Error('nothing was thrown')
}
