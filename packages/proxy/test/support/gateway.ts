import type { Handler } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type RawScript, type RawServer, rawServer } from '@gatelet/testing'
import { type Ledger, ledger } from './ledger.ts'

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

/** A gateway with a proxy before one upstream. */
export interface Room extends Gateway {
  readonly upstream: RawServer
  readonly balancer: Ledger
}

/** Starts a gateway before an upstream that is played by a script. */
export async function between(script: RawScript, options: ProxyOptions = {}): Promise<Room> {
  const upstream = await rawServer(script)
  const balancer = ledger([upstream.url])
  const front = await gateway(proxy(balancer, options))
  return {
    upstream,
    balancer,
    port: front.port,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await upstream.close()
    },
  }
}
