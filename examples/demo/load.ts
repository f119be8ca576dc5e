import { Agent, get } from 'node:http'

/** What the clients of the demo saw. */
export interface Seen {
  sent: number
  /** Answers with status 200 and a whole body, by the origin that gave them. */
  answered: Record<string, number>
  /** Everything else, by what it was. */
  failed: Record<string, number>
  slowestMs: number
}

/** Clients that ask `perSecond` times a second, whatever the answers, on connections that are kept. */
export class Load {
  readonly seen: Seen = { sent: 0, answered: {}, failed: {}, slowestMs: 0 }
  private readonly url: string
  private readonly agent = new Agent({ keepAlive: true })
  private readonly startedAt = performance.now()
  private readonly open = new Set<Promise<void>>()
  private readonly timer: NodeJS.Timeout

  constructor(url: string, perSecond: number) {
    this.url = url
    this.timer = setInterval(() => this.catchUp(perSecond), 5)
  }

  /** Sends no more, waits for the answers that are due, and tells what was seen. */
  async stop(): Promise<Seen> {
    clearInterval(this.timer)
    await Promise.all(this.open)
    this.agent.destroy()
    return this.seen
  }

  private catchUp(perSecond: number): void {
    const due = Math.floor(((performance.now() - this.startedAt) / 1_000) * perSecond)
    while (this.seen.sent < due) {
      const request = this.ask().finally(() => this.open.delete(request))
      this.open.add(request)
    }
  }

  private async ask(): Promise<void> {
    const { seen } = this
    const sentAt = performance.now()
    seen.sent++
    try {
      count(seen.answered, await this.answer())
    } catch (error) {
      count(seen.failed, (error as Error).message)
    }
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - sentAt)
  }

  /** @returns who answered. @throws for whatever is not a whole answer with status 200 */
  private answer(): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get(this.url, { agent: this.agent, timeout: 10_000 }, (res) => {
        res.resume()
        res.on('error', reject)
        res.on('end', () => {
          if (res.statusCode === 200) resolve(String(res.headers['x-origin']))
          else reject(new Error(`status ${res.statusCode}`))
        })
      })
      request.on('error', reject)
      request.on('timeout', () => request.destroy(new Error('no answer in 10 s')))
    })
  }
}

function count(by: Record<string, number>, what: string): void {
  by[what] = (by[what] ?? 0) + 1
}

export const total = (by: Record<string, number>): number => Object.values(by).reduce((sum, each) => sum + each, 0)
