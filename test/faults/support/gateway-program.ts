// A gateway in a process of its own, closed by SIGTERM: node gateway-program.ts <upstream url> <grace in ms>
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'

const [upstream = '', graceMs = '2000'] = process.argv.slice(2)
const forward = proxy(upstream, { timeouts: { headersMs: 20_000 } })
const server = await serve(forward, { port: 0, host: '127.0.0.1' })

let signals = 0
process.on('SIGTERM', () => {
  void server.close(signals++ === 0 ? { graceMs: Number(graceMs) } : { graceMs: 0 }).then(async ({ cut }) => {
    await forward.close()
    console.log(`cut ${cut}`)
    process.exit(0)
  })
})
console.log(`listening on ${server.url} `)
