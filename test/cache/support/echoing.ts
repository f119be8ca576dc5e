import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CacheOptions, cache, memoryCacheStore } from '@gatelet/cache'
import { chain, type Layer } from '@gatelet/core'
import { type Forwarder, proxy } from '@gatelet/proxy'
import { type RawResponse, rawRequest } from '@gatelet/testing'
import { type Front, node } from '../../attack/support/fronts.ts'

/** An upstream whose answer may be stored and tells all that it was asked. */
export interface Echoing extends AsyncDisposable {
  readonly port: number
  readonly hits: number
  /** Sends one request and returns what came back. */
  ask(bytes: string): Promise<RawResponse | undefined>
}

/** What the upstream says of a request, beside the status. */
export interface Echo {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Reflection = (seen: Echo) => {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface EchoingOptions {
  readonly front?: Front
  readonly cache?: Omit<CacheOptions, 'per'> | false
  readonly reflect?: Reflection
  readonly layers?: (cached: Layer, forward: Forwarder) => Layer
}

/** A gateway with a cache between clients and such an upstream. */
export async function echoing({
  front = node,
  cache: options = {},
  reflect = () => ({}),
  layers,
}: EchoingOptions = {}): Promise<Echoing> {
  let hits = 0
  const upstream = createServer(async (req, res) => {
    hits++
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const seen = {
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.headers as Echo['headers'],
      body: Buffer.concat(chunks).toString('latin1'),
    }
    const { status = 200, headers = { 'cache-control': 'max-age=600' }, body = JSON.stringify(seen) } = reflect(seen)
    res.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const forward = proxy(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, { retries: 0, host: 'preserve' })
  const cached: Layer =
    options === false
      ? forward
      : chain()
          .use(cache({ store: memoryCacheStore({ maxBytes: 64_000_000 }), ...options }))
          .to(forward)
  const { port, close } = await front.start(layers?.(cached, forward) ?? cached)
  return {
    port,
    get hits() {
      return hits
    },
    async ask(bytes) {
      const { responses } = await rawRequest(port, bytes)
      return responses.findLast(({ status }) => status >= 200)
    },
    async [Symbol.asyncDispose]() {
      await close()
      await forward.close()
      upstream.closeAllConnections()
      await new Promise((resolve) => upstream.close(resolve))
    },
  }
}
