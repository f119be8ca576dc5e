import { once } from 'node:events'
import { bytesOf, type Handler, json } from '@gatelet/core'
import { type RunningServer, serve } from '@gatelet/node'
import { createWebSocketApi, type WebSocketApi, type WebSocketApiOptions, type WebSocketEvent } from '@gatelet/websocket'
import { type ClientOptions, WebSocket } from 'ws'

/** A handler that keeps the events that it is asked with. */
export interface Recorder {
  readonly events: WebSocketEvent[]
  readonly to: Handler
  /** Resolves when there are so many. */
  some(count: number): Promise<WebSocketEvent[]>
}

export function recorder(
  answer: (event: WebSocketEvent) => ReturnType<Handler> = (event) => json({ got: event.body }),
): Recorder {
  const events: WebSocketEvent[] = []
  const wakes: (() => void)[] = []
  return {
    events,
    async to(ctx) {
      const event: WebSocketEvent = JSON.parse(Buffer.from(await bytesOf(ctx.request.body, 1_000_000)).toString())
      events.push(event)
      for (const wake of wakes.splice(0)) wake()
      return answer(event)
    },
    async some(count) {
      while (events.length < count) await new Promise<void>((resolve) => wakes.push(resolve))
      return events
    },
  }
}

/** A server of an API, and its clients. */
export interface RunningApi extends AsyncDisposable {
  readonly api: WebSocketApi
  readonly server: RunningServer
  readonly url: string
  open(path?: string, options?: ClientOptions, protocols?: string[]): Promise<Client>
}

interface Client {
  readonly socket: WebSocket
  readonly messages: (string | Buffer)[]
  some(count: number): Promise<(string | Buffer)[]>
  closed(): Promise<number>
}

export async function runningApi(options: WebSocketApiOptions): Promise<RunningApi> {
  const api = createWebSocketApi(options)
  const server = await serve(api, { host: '127.0.0.1', port: 0 })
  return {
    api,
    server,
    url: server.url,
    open: (path = '/', more = {}, protocols = []) => opened(new WebSocket(new URL(path, server.url).href, protocols, more)),
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 50 })
      await api.close()
    },
  }
}

async function opened(socket: WebSocket): Promise<Client> {
  const messages: (string | Buffer)[] = []
  const wakes: (() => void)[] = []
  const tell = () => {
    for (const wake of wakes.splice(0)) wake()
  }
  let code: number | undefined
  socket.on('message', (data: Buffer, isBinary) => {
    messages.push(isBinary ? data : data.toString())
    tell()
  })
  socket.on('close', (got) => {
    code = got
    tell()
  })
  const wait = () => new Promise<void>((resolve) => wakes.push(resolve))
  await once(socket, 'open')
  socket.on('error', () => {})
  return {
    socket,
    messages,
    async some(count) {
      while (messages.length < count && code === undefined) await wait()
      return messages
    },
    async closed() {
      while (code === undefined) await wait()
      return code
    },
  }
}

/** The status that a handshake is refused with, and the body. */
export async function refusal(url: string, options?: ClientOptions): Promise<[status: number, body: string]> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), options)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  let body = ''
  for await (const chunk of response) body += chunk
  return [response.statusCode, body]
}

/** Something to wait for. */
export function latch(): { readonly promise: Promise<void>; done(): void } {
  let done = () => {}
  const promise = new Promise<void>((resolve) => {
    done = resolve
  })
  return { promise, done }
}
