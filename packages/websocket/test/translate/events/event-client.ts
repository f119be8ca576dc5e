import { type IncomingMessage, request } from 'node:http'
import { EventParser, type ReceivedEvent } from '@gatelet/websocket'
import { until } from '../socket-server.ts'

/** A client of `text/event-stream`, as a browser's `EventSource` is one, that a test can stop. */
export interface EventClient extends AsyncDisposable {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly events: ReceivedEvent[]
  readonly retries: number[]
  /** What came, as it came. */
  readonly text: string
  /** How the response ended. */
  readonly ended: 'open' | 'end' | 'broken'
  readonly response: IncomingMessage
  /** Waits for so many events. */
  count(n: number): Promise<ReceivedEvent[]>
  leave(): void
}

export async function eventClient(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventClient> {
  const req = request(url, { headers: { accept: 'text/event-stream', ...headers }, agent: false })
  req.on('error', () => {})
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
    req.end()
  })
  const self = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events: [] as ReceivedEvent[],
    retries: [] as number[],
    text: '',
    ended: 'open' as EventClient['ended'],
    response,
    async count(n: number) {
      await until(() => self.events.length >= n, `${n} events`)
      return self.events
    },
    leave: () => void response.destroy(),
    async [Symbol.asyncDispose]() {
      response.destroy()
    },
  }
  const parser = new EventParser({ event: (event) => self.events.push(event), retry: (ms) => self.retries.push(ms) }, 100_000_000)
  response.on('data', (chunk: Buffer) => {
    self.text += chunk
    parser.push(chunk)
  })
  response.on('end', () => {
    self.ended = 'end'
  })
  response.on('error', () => {})
  response.on('close', () => {
    if (self.ended === 'open') self.ended = 'broken'
  })
  return self
}
