/** One origin server, in a process of its own so that it can be killed: `origin.ts <name> <port>`. */
import { createServer, type ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'

const [, , name = 'origin', port = '0'] = process.argv

const server = createServer(async (req, res) => {
  res.setHeader('x-origin', name)
  if (req.url === '/clock') return tick(res)
  // Some work, so that there are always requests in flight.
  await setTimeout(5 + Math.random() * 20)
  res.setHeader('content-type', 'application/json')
  res.end(`${JSON.stringify({ origin: name, method: req.method, path: req.url })}\n`)
})

/** A stream of server-sent events, one a second. */
function tick(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const say = () => void res.write(`data: it is ${new Date().toISOString()}, says ${name}\n\n`)
  const timer = setInterval(say, 1_000)
  res.on('close', () => clearInterval(timer))
  say()
}

// Longer than the gateway keeps an unused connection, so that it is the gateway that closes it.
server.keepAliveTimeout = 60_000
server.listen(Number(port), '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))

// Ctrl-C in a terminal reaches every process of the demo. The gateway drains first, then it ends this one.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
