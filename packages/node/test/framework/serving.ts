import { createServer, type RequestListener, type Server } from 'node:http'
import { type Context, type Summary, subscribe } from '@gatelet/core'
import { startedServer } from '@gatelet/testing'
import { vi } from 'vitest'

/** A server for one test, closed with all its connections when that is over. */
export interface Serving extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The exchanges that are over. */
  readonly finished: readonly { readonly context: Context; readonly summary: Summary }[]
}

/** Serves an application on a free port of 127.0.0.1. */
export async function serving(app: RequestListener | Server): Promise<Serving> {
  const finished: { context: Context; summary: Summary }[] = []
  const stop = subscribe('request:finished', (event) => finished.push(event))
  const { port, close } = await startedServer(typeof app === 'function' ? createServer(app) : app)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    finished,
    async [Symbol.asyncDispose]() {
      stop()
      await close()
    },
  }
}

/** Waits for a state that nobody tells of. */
export const until = (condition: () => unknown): Promise<unknown> => vi.waitUntil(condition, { interval: 2, timeout: 5_000 })
