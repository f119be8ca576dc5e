import fastifyProxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [port, upstream = ''] = process.argv.slice(2)

// Its defaults, but for the same times.
const app = fastify()
app.register(fastifyProxy, { upstream, websocket: true, undici: { headersTimeout: 2_000, bodyTimeout: 2_000 } })
await app.listen({ port: Number(port), host: '127.0.0.1' })
