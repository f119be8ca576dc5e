import { GatewayError } from '@gatelet/core'

/** What a call with options that are not right throws. */
export function refusal(run: () => unknown): GatewayError {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** Calls as a program without types would. */
export const untyped = <T>(value: unknown): T => value as T
