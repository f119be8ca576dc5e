// A gateway in a process of its own, whose memory can be measured: node gateway-program.ts <upstream url>
// Where the URL is tcp://, it forwards connections.
import { setInterval } from 'node:timers'
import { createBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy, tcpBalancer } from '@gatelet/proxy'

/** In bytes. */
export interface Memory {
  readonly now: number
  /** The most since it was asked last. */
  readonly peak: number
}

const upstream = process.argv[2] as string
const listen = { port: 0, host: '127.0.0.1' }
const server = await (upstream.startsWith('tcp:')
  ? tcpBalancer(createBalancer({ endpoints: [upstream] }), listen)
  : serve(proxy(upstream), listen))

let peak = 0
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 10).unref()

process.on('message', () => {
  const now = process.memoryUsage.rss()
  process.send?.({ now, peak: Math.max(peak, now) } satisfies Memory)
  peak = 0
})
process.send?.({ port: server.port })
