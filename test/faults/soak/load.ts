import { Agent, request } from 'node:http'

/** How requests ended, for who sent them. */
export interface Tally {
  sent: number
  /** Whole, with 200. */
  answered: number
  /** By what came instead: a status, or the code of an error. */
  readonly failed: Record<string, number>
  /** Broken off behind the head, so that it could be seen. */
  cut: number
  /** Whole, and yet of another length than it says. Must stay 0. */
  wrong: number
  /** Left by the client itself. */
  left: number
}

const methods = ['GET', 'GET', 'GET', 'HEAD', 'PUT', 'DELETE'] as const

/** Asks without a pause, on so many connections, with idempotent methods, until it is stopped. */
export class SoakLoad {
  readonly tally: Tally = { sent: 0, answered: 0, failed: {}, cut: 0, wrong: 0, left: 0 }
  private readonly url: URL
  private readonly random: () => number
  private readonly agent: Agent
  private readonly workers: Promise<void>[]
  private isOver = false

  constructor(url: string, connections: number, random: () => number) {
    this.url = new URL(url)
    this.random = random
    this.agent = new Agent({ keepAlive: true, maxSockets: connections })
    this.workers = Array.from({ length: connections }, () => this.work())
  }

  /** Resolves when the last request is over. */
  async stop(): Promise<Tally> {
    this.isOver = true
    await Promise.all(this.workers)
    this.agent.destroy()
    return this.tally
  }

  private async work(): Promise<void> {
    while (!this.isOver) {
      await this.one()
      await new Promise((resolve) => setTimeout(resolve, this.random() * 20))
    }
  }

  private one(): Promise<void> {
    const { tally, url, agent, random } = this
    const method = methods[Math.floor(random() * methods.length)] ?? 'GET'
    const isLeaving = random() < 0.03
    tally.sent++
    return new Promise((resolve) => {
      const end = (count: () => void) => {
        if (isEnded) return
        isEnded = true
        count()
        resolve()
      }
      let isEnded = false
      const req = request({ host: url.hostname, port: url.port, path: `/soak?${tally.sent}`, method, agent, timeout: 30_000 })
      req.on('timeout', () => req.destroy(Object.assign(new Error('too late'), { code: 'TOO_LATE' })))
      req.on('error', (error: NodeJS.ErrnoException) => end(() => (isLeaving ? tally.left++ : this.fail(error.code ?? 'error'))))
      req.on('response', (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.byteLength
        })
        response.on('error', () => {})
        response.on('close', () =>
          end(() => {
            if (!response.complete) tally.cut++
            else if (response.statusCode !== 200) this.fail(String(response.statusCode))
            else if (method !== 'HEAD' && bytes !== Number(response.headers['content-length'])) tally.wrong++
            else tally.answered++
          }),
        )
      })
      req.end(method === 'PUT' ? 'x'.repeat(Math.floor(random() * 20_000)) : undefined)
      if (isLeaving) {
        setTimeout(() => {
          end(() => tally.left++)
          req.destroy()
        }, random() * 10)
      }
    })
  }

  private fail(how: string): void {
    this.tally.failed[how] = (this.tally.failed[how] ?? 0) + 1
  }
}
