import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'

const [port, origin = ''] = process.argv.slice(2)

// Its defaults, but for times that a comparison can wait for.
const forward = proxy(origin, { timeouts: { headersMs: 2_000, bodyIdleMs: 2_000 } })
await serve(forward, { port: Number(port), host: '127.0.0.1' })
