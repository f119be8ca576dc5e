import { createBalancer } from '@gatelet/balancer'
import { chain, type Handler, type Layer, type Middleware } from '@gatelet/core'
import { grpc, grpcWeb } from '@gatelet/grpc'
import { serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'

export interface Front extends AsyncDisposable {
  readonly url: string
}

/** A gateway before servers of gRPC. It asks them in turn. */
export async function gateway(
  urls: readonly string[],
  options: ProxyOptions = {},
  layer: Middleware = (ctx, next) => next(ctx),
): Promise<Front> {
  // Nobody is left out for a while after a failure: tests want to see who is asked.
  const balancer = createBalancer({ endpoints: [...urls], strategy: 'round-robin', ejection: false })
  const handler = proxy(balancer, { http2: true, ...options })
  const front = await answering(chain().use(grpc()).use(grpcWeb()).use(layer).to(handler))
  return {
    url: front.url,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await handler.close()
      await balancer.close()
    },
  }
}

/** Serves a handler by HTTP/1.1 and HTTP/2. */
export async function answering(handler: Layer | Handler): Promise<Front> {
  const server = await serve(handler, { host: '127.0.0.1', port: 0, http2: true })
  return { url: server.url, [Symbol.asyncDispose]: async () => void (await server.close({ graceMs: 0 })) }
}
