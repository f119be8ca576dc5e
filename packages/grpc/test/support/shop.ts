import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Client,
  type ClientOptions,
  credentials,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader'

/** The descriptors of the shop, and of what it imports. */
export const descriptors: Buffer = readFileSync(fileURLToPath(new URL('../protos/shop.binpb', import.meta.url)))

const definition = loadFileDescriptorSetFromBuffer(descriptors, { keepCase: true, longs: String, enums: String, oneofs: true })
const { shop } = loadPackageDefinition(definition) as unknown as { shop: { v1: { Shop: ServiceClientConstructor } } }

/** Any message, as proto-loader gives and takes it. */
export type Fields = Record<string, unknown>

export interface Shop extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly server: Server
  /** What came in, in its order: the method, its message (of a stream: each), its metadata. */
  readonly calls: { method: string; message: Fields; metadata: Metadata }[]
  /** Calls that were cancelled. */
  readonly cancelled: string[]
}

type Handlers = Record<string, unknown>

/** Starts the shop. @param own methods that do something else here */
export async function startShop(own: Handlers = {}, port = 0): Promise<Shop> {
  const calls: Shop['calls'] = []
  const cancelled: string[] = []
  const server = new Server({ 'grpc.max_receive_message_length': 32 << 20, 'grpc.max_send_message_length': 32 << 20 })
  server.addService(shop.v1.Shop.service, { ...handlersOf(calls, cancelled), ...own } as never)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    )
  })
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    server,
    calls,
    cancelled,
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}

/** A client of the shop. */
export function shopClient(
  url: string,
  options: ClientOptions = {},
): Client & Record<string, (...args: never[]) => never> & Disposable {
  const limits = { 'grpc.max_receive_message_length': 32 << 20, 'grpc.max_send_message_length': 32 << 20 }
  const client = new shop.v1.Shop(new URL(url).host, credentials.createInsecure(), { ...limits, ...options })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() }) as never
}

/** Asks a method that takes one message and gives one. */
export function unary(
  client: Client,
  method: string,
  message: Fields,
  metadata: Metadata = new Metadata(),
  options: object = {},
): Promise<{ message: Fields; headers: Metadata; trailers: Metadata }> {
  return new Promise((resolve, reject) => {
    let headers = new Metadata()
    let trailers = new Metadata()
    let answer: Fields = {}
    const ask = (client as unknown as Record<string, (...args: unknown[]) => NodeJS.EventEmitter>)[method]
    const call = ask?.call(client, message, metadata, options, (error: Error | null, value: Fields) => {
      if (error) reject(error)
      else answer = value
    })
    call?.on('metadata', (given: Metadata) => {
      headers = given
    })
    call?.on('status', (given: { metadata: Metadata; code: number }) => {
      trailers = given.metadata
      if (given.code === 0) setImmediate(() => resolve({ message: answer, headers, trailers }))
    })
  })
}

function handlersOf(calls: Shop['calls'], cancelled: string[]): Handlers {
  const note = (method: string, { request, metadata }: { request: Fields; metadata: Metadata }) =>
    calls.push({ method, message: request, metadata })
  const item = ({ request }: ServerUnaryCall<Fields, Fields>) => ({
    name: request['name'],
    title: 'A lamp',
    price_cents: '9007199254740993',
  })
  type Unary = ServerUnaryCall<Fields, Fields>
  type Back = sendUnaryData<Fields>
  return {
    GetItem(call: Unary, done: Back) {
      note('GetItem', call)
      const view = call.request['view']
      if (typeof view === 'string' && view.startsWith('fail')) {
        const [, code, details = ''] = view.split(':')
        const metadata = new Metadata()
        if (view.startsWith('fail-details')) metadata.set('grpc-status-details-bin', Buffer.from(details, 'base64'))
        metadata.set('x-why', 'test')
        done({ code: Number(code), details: view.startsWith('fail-details') ? 'with details' : details, metadata })
        return
      }
      const head = new Metadata()
      for (const [name, value] of Object.entries(call.metadata.getMap())) if (name.startsWith('x-')) head.set(name, value)
      call.sendMetadata(head)
      const trailer = new Metadata()
      trailer.set('x-cost', '12')
      trailer.set('x-sum-bin', Buffer.from([0, 255, 1]))
      done(null, item(call), trailer)
    },
    ListItems(call: Unary, done: Back) {
      note('ListItems', call)
      done(null, { items: [{ name: 'a' }, { name: 'b' }] })
    },
    CreateItem(call: Unary, done: Back) {
      note('CreateItem', call)
      done(null, call.request['item'] as Fields)
    },
    UpdateItem(call: Unary, done: Back) {
      note('UpdateItem', call)
      done(null, call.request['item'] as Fields)
    },
    DeleteItem(call: Unary, done: Back) {
      note('DeleteItem', call)
      done(null, {})
    },
    MoveItem(call: Unary, done: Back) {
      note('MoveItem', call)
      done(null, { name: `${call.request['to_shelf']}/moved` })
    },
    HeadItem(call: Unary, done: Back) {
      note('HeadItem', call)
      done(null, {})
    },
    Echo(call: Unary, done: Back) {
      note('Echo', call)
      done(null, call.request)
    },
    GetFile(call: Unary, done: Back) {
      note('GetFile', call)
      done(null, { content_type: 'image/png', data: Buffer.from(`file ${call.request['path']}`) })
    },
    PutFile(call: Unary, done: Back) {
      note('PutFile', call)
      const file = call.request['file'] as { content_type: string; data: Buffer }
      done(null, { path: call.request['path'], content_type: file.content_type, size: file.data.length })
    },
    WatchItems(call: ServerWritableStream<Fields, Fields>) {
      note('WatchItems', call)
      const { count, fail_with: failWith, pause_after: pauseAfter, bytes_each: bytes } = call.request as Record<string, number>
      call.on('cancelled', () => cancelled.push('WatchItems'))
      void (async () => {
        const payload = Buffer.alloc(bytes ?? 0, 'x')
        for (let at = 0; at < (count ?? 0); at++) {
          if (pauseAfter && at === pauseAfter) return
          if (!call.write({ name: `item ${at}`, payload })) await new Promise((resolve) => call.once('drain', resolve))
        }
        if (failWith) call.emit('error', { code: failWith, details: 'in the middle' })
        else call.end()
      })()
    },
    Download(call: ServerWritableStream<Fields, Fields>) {
      note('Download', call)
      for (const part of ['one ', 'two ', 'three']) call.write({ content_type: 'text/csv', data: Buffer.from(part) })
      call.end()
    },
    ImportItems(call: ServerReadableStream<Fields, Fields>, done: Back) {
      const titles: unknown[] = []
      call.on('cancelled', () => cancelled.push('ImportItems'))
      call.on('data', (each: Fields) => titles.push(each['title']))
      call.on('error', () => {})
      call.on('end', () => {
        calls.push({ method: 'ImportItems', message: { titles }, metadata: call.metadata })
        done(null, { count: titles.length, titles })
      })
    },
    Chat(call: ServerDuplexStream<Fields, Fields>) {
      call.on('cancelled', () => cancelled.push('Chat'))
      call.on('data', (each: Fields) => {
        if (each['title'] === 'fail') call.emit('error', { code: status.ABORTED, details: 'said fail' })
        else call.write({ title: `echo ${each['title']}` })
      })
      call.on('error', () => {})
      call.on('end', () => call.end())
    },
    Internal(call: Unary, done: Back) {
      note('Internal', call)
      done(null, call.request)
    },
  }
}
