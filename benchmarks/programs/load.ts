import { Client, type Dispatcher } from 'undici'
import { connections, requestHeaders } from '../payloads.ts'

// The load where wrk is not installed: `node load.js <url> <method> <bytes of body>`.
const [url = '', method = 'GET', sent = '0'] = process.argv.slice(2)
const { origin, pathname: path } = new URL(url)
const request: Dispatcher.DispatchOptions = {
  path,
  method: method as Dispatcher.HttpMethod,
  headers: requestHeaders,
  body: sent === '0' ? null : 'x'.repeat(Number(sent)),
}
const total = { answered: 0, bytes: 0, failed: 0 }

class Asking implements Dispatcher.DispatchHandler {
  private readonly client = new Client(origin, { headersTimeout: 30_000 })

  ask(): void {
    this.client.dispatch(request, this)
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200 || status > 399) total.failed++
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    total.bytes += chunk.length
  }

  onResponseEnd(): void {
    total.answered++
    this.ask()
  }

  onResponseError(): void {
    total.failed++
    // Not at once: a subject that refuses everything would keep this process from hearing the signal.
    setTimeout(() => this.ask(), 10)
  }
}

for (let i = 0; i < connections; i++) new Asking().ask()
process.once('SIGINT', () => {
  console.log(JSON.stringify(total))
  process.exit(0)
})
process.once('SIGTERM', () => process.exit(0))
