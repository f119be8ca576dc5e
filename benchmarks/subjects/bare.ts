import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { origins, port } from './start.ts'

// The least that a proxy of node:http and undici can do: one origin, no header added, no time limit of its own, no retry,
// and a client that leaves is not noticed.
const pool = new Pool(origins[0] ?? '', { connections: 128 })

createServer((req, res) => {
  const method = req.method as Dispatcher.HttpMethod
  const body = method === 'GET' ? null : req
  pool.dispatch({ path: req.url ?? '/', method, headers: endToEnd(req.rawHeaders), body }, new Relay(res))
}).listen(port, '127.0.0.1')

// undici's older interface: it hands over the raw bytes of the headers and nothing else is made of them.
class Relay implements Dispatcher.DispatchHandler {
  private readonly res: ServerResponse
  private resume: (() => void) | undefined

  constructor(res: ServerResponse) {
    this.res = res
  }

  onConnect(): void {}

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    this.resume = resume
    this.res.writeHead(status, endToEnd(headers.map((part) => part.toString('latin1'))))
    return true
  }

  onData(chunk: Buffer): boolean {
    const hasRoom = this.res.write(chunk)
    if (!hasRoom && this.resume) this.res.once('drain', this.resume)
    return hasRoom
  }

  onComplete(): void {
    this.res.end()
  }

  onError(): void {
    if (this.res.headersSent) this.res.destroy()
    else this.res.writeHead(502).end()
  }
}

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!isHopByHop(name)) kept.push(name, raw[i + 1] as string)
  }
  return kept
}

function isHopByHop(name: string): boolean {
  if (name.length !== 10 && name.length !== 17) return false
  const lower = name.toLowerCase()
  return lower === 'connection' || lower === 'keep-alive' || lower === 'transfer-encoding'
}
