import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { type HttpCheckOptions, tlsSettings } from './options.ts'
import { addressOf, type Probe, type ProbeFactory } from './probe.ts'

/** Asks for a path, and looks at the status and, if that is wanted, at the body. */
export function httpProbe(options: HttpCheckOptions): ProbeFactory {
  return (endpoint) => {
    const address = addressOf(endpoint, options.port)
    if (!address || 'handler' in endpoint.target) return undefined
    return new HttpProbe(options, endpoint.target.origin, 'path' in address ? { socketPath: address.path } : address)
  }
}

class HttpProbe implements Probe {
  private readonly options: HttpCheckOptions
  private readonly asking: RequestOptions
  private readonly isSecure: boolean
  private readonly agent: HttpAgent | undefined

  constructor(options: HttpCheckOptions, origin: URL, where: RequestOptions) {
    const { path, method = 'GET', headers, host = origin.host, tls, keepAlive = false } = options
    this.options = options
    this.isSecure = origin.protocol === 'https:'
    if (keepAlive)
      this.agent = this.isSecure ? new HttpsAgent({ keepAlive, maxSockets: 1 }) : new HttpAgent({ keepAlive, maxSockets: 1 })
    this.asking = {
      ...where,
      ...(this.isSecure ? tlsSettings(tls) : {}),
      path,
      method,
      agent: this.agent ?? false,
      headers: { 'user-agent': 'gatelet-health-check', ...headers, host },
    }
  }

  check(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = (this.isSecure ? requestHttps : requestHttp)({ ...this.asking, signal })
      request.on('response', (response) => void this.judge(response).then(resolve, reject))
      request.on('upgrade', (_response, socket) => {
        socket.destroy()
        reject(new Error('it changed the protocol'))
      })
      request.on('error', reject)
      request.end()
    })
  }

  close(): void {
    this.agent?.destroy()
  }

  private async judge(response: IncomingMessage): Promise<void> {
    const { status = ['2xx'], body, maxBodyBytes = 65_536 } = this.options
    const { statusCode = 0 } = response
    const isExpected = status.some((each) => each === statusCode || each === `${Math.floor(statusCode / 100)}xx`)
    // Read only where somebody wants to see it, or the connection: it may be endless.
    const isRead = isExpected && (body !== undefined || this.agent !== undefined)
    const text = isRead ? await beginningOf(response, maxBodyBytes) : ''
    // Also what was read to its end, but then the connection is the agent's already.
    if (!response.complete || !this.agent) response.on('error', () => {}).destroy()
    if (!isExpected) throw new Error(`it answered with ${statusCode}`)
    if (body !== undefined && !isIn(body, text)) throw new Error('its body is not what was expected')
  }
}

/** The body, at most so much of it. @throws Error when it is broken off before */
async function beginningOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let left = maxBytes
  // Not left by `break`, which would destroy the connection of a body that has just ended.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, left))
    left -= chunk.length
    if (left < 0) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

// `search` does not go on from where the last one ended, as `test` does with flag g.
const isIn = (wanted: string | RegExp, text: string): boolean =>
  typeof wanted === 'string' ? text.includes(wanted) : text.search(wanted) >= 0
