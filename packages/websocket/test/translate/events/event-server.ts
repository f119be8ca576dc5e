import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of `text/event-stream`, of which a test sees everything. */
export interface EventServer extends AsyncDisposable {
  readonly url: string
  /** GETs, oldest first. */
  readonly asked: readonly IncomingMessage[]
  /** Streams that are open. */
  readonly open: ReadonlySet<ServerResponse>
  /** Bodies of POSTs with their types and tokens, oldest first. */
  readonly posted: readonly { text: string; type: string | undefined; token: string | undefined }[]
  /** What a GET is answered with. Default: a stream that stays open. */
  onGet: (req: IncomingMessage, res: ServerResponse) => void
  /** What a POST is answered with. Default: 204. */
  onPost: (res: ServerResponse) => void
  /** Sends to all. */
  say(text: string): void
}

export async function eventServer(): Promise<EventServer> {
  const asked: IncomingMessage[] = []
  const open = new Set<ServerResponse>()
  const posted: { text: string; type: string | undefined; token: string | undefined }[] = []
  const http = createServer(async (req, res) => {
    if (req.method === 'POST') {
      const parts: Buffer[] = []
      for await (const part of req) parts.push(part)
      const token = req.headers['stream-token'] as string | undefined
      posted.push({ text: Buffer.concat(parts).toString('latin1'), type: req.headers['content-type'], token })
      self.onPost(res)
      return
    }
    asked.push(req)
    open.add(res)
    res.on('close', () => open.delete(res))
    self.onGet(req, res)
  })
  const begin = (_: IncomingMessage, res: ServerResponse) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
  }
  const self = {
    onGet: begin,
    onPost: (res: ServerResponse) => void res.writeHead(204).end(),
  }
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return Object.assign(self, {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    open,
    posted,
    say(text: string) {
      for (const res of open) res.write(text)
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  })
}
