import {
  type Context,
  HeaderList,
  type Layer,
  PushSource,
  type Reply,
  type Summary,
  subscribe,
  switchProtocols,
} from '@gatelet/core'
import { type RunningServer, type ServeOptions, serve } from '@gatelet/node'
import { vi } from 'vitest'

/** A server for one test, with the exchanges that are over. */
export interface Serving extends RunningServer {
  readonly finished: readonly { readonly context: Context; readonly summary: Summary }[]
  /** Waits until so many exchanges are over. @returns how each of them ended, and with which status */
  ended(count: number): Promise<string[]>
}

/** Serves on a free port of 127.0.0.1 and cuts everything when the test is over. */
export async function serving(layer: Layer, options: ServeOptions = {}): Promise<Serving> {
  const finished: { context: Context; summary: Summary }[] = []
  const unsubscribe = subscribe('request:finished', (event) => void finished.push(event))
  const server = await serve(layer, { port: 0, host: '127.0.0.1', ...options })
  return Object.defineProperties(Object.create(server) as Serving, {
    finished: { value: finished },
    ended: {
      value: async (count: number) => {
        await until(() => finished.length >= count)
        return finished.map(({ summary }) => `${summary.outcome} ${summary.status}`)
      },
    },
    [Symbol.asyncDispose]: {
      value: async () => {
        await server.close({ graceMs: 0 })
        unsubscribe()
      },
    },
  })
}

/** Waits for a state that nobody tells of. */
export function until(condition: () => unknown): Promise<unknown> {
  return vi.waitUntil(condition, { interval: 2, timeout: 5_000 })
}

/** A request without a body, byte for byte. @param fields each with its CR LF */
export function head(line: string, fields = ''): string {
  return `${line} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`
}

/** A promise with its handles, for what a test decides when to happen. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** A body that comes in these pieces, not before it is wanted. */
export function later(...pieces: string[]): PushSource {
  const body = new PushSource({
    start: () =>
      setImmediate(() => {
        for (const piece of pieces) body.push(Buffer.from(piece))
        body.end()
      }),
    pause() {},
    resume() {},
    cancel() {},
  })
  return body
}

/** Takes over the socket of a handshake and sends back what it gets, from the first byte on. */
export function echo(): Reply {
  return {
    status: 101,
    headers: new HeaderList({ connection: 'Upgrade', upgrade: 'websocket' }),
    body: null,
    upgrade(socket, first, headers) {
      switchProtocols(socket, headers)
      if (first.length > 0) socket.write(first)
      socket.pipe(socket)
    },
  }
}
