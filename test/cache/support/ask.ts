import { type IncomingHttpHeaders, request } from 'node:http'
import type { Fields } from './scripted-origin.ts'

/** A request of a client. */
export interface Question {
  readonly method?: string
  readonly target?: string
  readonly headers?: Fields
  readonly body?: string
}

/** What the client got. */
export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** What came before it: status and fields of each. */
  readonly interim: readonly { readonly status: number; readonly headers: IncomingHttpHeaders }[]
  /** Whether the body came to its end. */
  readonly isWhole: boolean
}

/** Asks on a connection of its own. A body that breaks off is told, not thrown. */
export function ask(url: string, { method = 'GET', target = '/', headers = {}, body }: Question = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url)
    const own = 'host' in headers ? {} : { host: 'shop.example' }
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const fields = Object.entries({ ...own, ...length, ...headers }) as [string, string | string[]][]
    const flat = fields.flatMap(([name, value]) => [value].flat().flatMap((line) => [name, line]))
    const interim: Got['interim'][number][] = []
    const req = request({ host: '127.0.0.1', port, method, path: target, headers: flat as never, agent: false })
    req.on('information', ({ statusCode, headers: found }) => interim.push({ status: statusCode, headers: found }))
    req.once('error', reject)
    req.once('response', (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', () => {})
      res.once('close', () => {
        const { statusCode: status = 0, headers: found, rawHeaders } = res
        resolve({ status, headers: found, rawHeaders, body: Buffer.concat(chunks), interim, isWhole: res.complete })
      })
    })
    req.end(body)
  })
}
