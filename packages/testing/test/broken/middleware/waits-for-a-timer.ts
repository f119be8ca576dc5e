import type { Clock, Middleware } from '@gatelet/core'

/** Tries again after a while, whether anybody still waits for it or not. */
export const waitsForATimer =
  (clock: Clock): Middleware =>
  async (ctx, next) => {
    try {
      return await next(ctx)
    } catch (error) {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 1_000))
      throw error
    }
  }
