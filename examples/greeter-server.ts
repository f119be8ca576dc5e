// A server of gRPC, as there are in any language: two calls, one of which answers with a stream.
import { readFileSync } from 'node:fs'
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader'

const definition = loadFileDescriptorSetFromBuffer(readFileSync(new URL('greeter.binpb', import.meta.url)))
const { greeter } = loadPackageDefinition(definition) as unknown as { greeter: { v1: { Greeter: ServiceClientConstructor } } }

const server = new Server()
server.addService(greeter.v1.Greeter.service, {
  SayHello({ request }: ServerUnaryCall<{ name: string; language: string }, object>, done: sendUnaryData<object>) {
    if (request.name === 'nobody') done({ code: status.NOT_FOUND, details: 'nobody is here' })
    else done(null, { text: `${request.language === 'de' ? 'Hallo' : 'Hello'}, ${request.name}!` })
  },
  CountTo(call: ServerWritableStream<{ to: number }, object>) {
    for (let number = 1; number <= call.request.to; number++) call.write({ number })
    call.end()
  },
})

const port = Number(process.env['PORT'] ?? 50_051)
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
  if (error) throw error
  console.log(`listening on http://127.0.0.1:${bound} `)
})
process.once('SIGTERM', () => server.tryShutdown(() => {}))
