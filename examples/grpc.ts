// Two servers of gRPC, for clients of gRPC, for pages that speak gRPC-Web, and for everybody who has HTTP and JSON.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chain, createBalancer, createRouter, proxy, serve, text } from 'gatelet'
import { grpc, grpcJson, grpcWeb, grpcWebCors } from 'gatelet/grpc'
import { cors } from 'gatelet/router'

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const greeters = createBalancer({ endpoints: (process.env['GREETERS'] ?? 'http://127.0.0.1:50051').split(' ') })

// Calls that change nothing may be asked twice: after UNAVAILABLE, another server is.
const reads = new Set(['/greeter.v1.Greeter/SayHello'])
const forward = proxy(greeters, {
  http2: true,
  retries: { repeatable: ({ url }) => reads.has(url.path), statuses: [503] },
  // Streams may be silent for as long as they like; what a call may take is its own deadline's to say.
  timeouts: { bodyIdleMs: 0 },
})

const api = chain()
  .use(cors({ allowOrigins: ['https://app.example.com'], ...grpcWebCors }))
  .use(grpc())
  .use(grpcWeb())
  .use(grpcJson({ descriptors: file('greeter.binpb') }))
  .to(forward)

const page = (name: string, type: string) => () => text(readFileSync(file(name), 'utf8'), { headers: { 'content-type': type } })
const router = createRouter()
  .get('/', page('greeter.html', 'text/html; charset=utf-8'))
  .get('/greeter-client.js', page('greeter-client.js', 'text/javascript'))
  .mount('/*rest', api)

// HTTP/2 without TLS is spoken by prior knowledge, as clients of gRPC do; beside it HTTP/1.1 for the others.
const server = await serve(router, { port: Number(process.env['PORT'] ?? 8080), host: '127.0.0.1', http2: true })
console.log(`listening on ${server.url} `)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  await forward.close()
  await greeters.close()
})
