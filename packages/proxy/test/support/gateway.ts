import type { Handler } from '@gatelet/core'
import { serve } from '@gatelet/node'

/** A gateway on a real socket, closed at once at the test's end. */
export interface Gateway extends AsyncDisposable {
  readonly port: number
}

/** Serves a handler on a free port of 127.0.0.1. */
export async function gateway(handler: Handler): Promise<Gateway> {
  const server = await serve(handler, { port: 0, host: '127.0.0.1' })
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      await server.close({ delayMs: 0, graceMs: 0 })
    },
  }
}
