import { setTimeout as delay } from 'node:timers/promises'
import { checkAnswer, faultOf } from './checks.ts'
import { cpuTimeNs } from './cpu.ts'
import { type Load, startLoad } from './load.ts'
import type { Origin } from './origin.ts'
import type { Payload } from './payloads.ts'
import { freePort, listening } from './ports.ts'
import { type Running, start } from './processes.ts'
import type { Subject } from './subjects.ts'

/** A fifth of a second or so under load. */
interface Sample {
  /** CPU time of the subject for each request, in microseconds. */
  readonly cpuUs: number
  readonly requestsPerSecond: number
}

/** What one process of one subject did. */
export interface Round {
  /** One for each counted turn. The turns of all subjects with the same index were taken within a second or two. */
  readonly samples: readonly Sample[]
  readonly failed: number
  /** Why the round does not count. */
  readonly fault?: string
}

// From the first request of a turn until the connections are busy again and the caches warm.
const runUpMs = 40

/** One process of a subject, with a load of its own that waits while others have their turn. */
export class Contender {
  readonly subject: Subject
  private readonly payload: Payload
  private readonly origin: Origin
  private readonly port: number
  private readonly url: string
  private readonly program: Running
  private readonly samples: Sample[] = []
  private load: Load | undefined
  private askedOrigin = 0
  private pauses = 0
  private failed = 0
  private fault: string | undefined

  /** Starts it. That it does not answer as it should is a fault like any later one. */
  static async start(subject: Subject, payload: Payload, origin: Origin): Promise<Contender> {
    const contender = new Contender(subject, payload, origin, await freePort())
    await contender.unlessFaulty(async () => {
      await listening(contender.program, contender.port)
      await checkAnswer(contender.url, payload)
    })
    return contender
  }

  private constructor(subject: Subject, payload: Payload, origin: Origin, port: number) {
    this.subject = subject
    this.payload = payload
    this.origin = origin
    this.port = port
    this.url = `http://127.0.0.1:${port}${payload.path}`
    this.program = start(subject.command(port, origin.urls), 'subject')
  }

  /** Loads it for a while. */
  async takeTurn(turnMs: number, counts: boolean): Promise<void> {
    await this.unlessFaulty(async () => {
      const before = await this.origin.answered()
      if (this.load) this.load.resume()
      else this.load = startLoad(this.url, this.payload)
      await delay(runUpMs)
      try {
        if (counts) this.samples.push(await this.sample(turnMs))
        else await delay(turnMs)
      } finally {
        this.load.pause()
        this.pauses++
      }
      this.askedOrigin += (await this.origin.answeredAll()) - before
    })
  }

  /** Ends it and tells what it did. */
  async finish(): Promise<Round> {
    await this.unlessFaulty(() => this.checkTotal())
    await this.load?.[Symbol.asyncDispose]()
    await this.program.stop()
    return { samples: this.samples, failed: this.failed, ...(this.fault === undefined ? {} : { fault: this.fault }) }
  }

  private async unlessFaulty(work: () => Promise<void>): Promise<void> {
    if (this.fault !== undefined) return
    try {
      await work()
    } catch (error) {
      this.fault = error instanceof Error ? error.message : String(error)
    }
  }

  private async sample(turnMs: number): Promise<Sample> {
    const from = await this.reading()
    for (let waited = 0; waited < 10; waited++) {
      await delay(turnMs)
      const to = await this.reading()
      const requests = to.answered - from.answered
      // On a machine that is very busy, a turn may pass without one.
      if (requests > 0) {
        const [cpuUs, seconds] = [(to.cpuNs - from.cpuNs) / 1_000, (to.at - from.at) / 1_000]
        return { cpuUs: cpuUs / requests, requestsPerSecond: requests / seconds }
      }
    }
    throw new Error(`it answered nothing for ${10 * turnMs} ms`)
  }

  // The count comes over a socket, the CPU time from a file: it is read at once when the count is here.
  private async reading(): Promise<{ answered: number; cpuNs: number; at: number }> {
    const answered = await this.origin.answered()
    if (this.program.hasEnded) throw new Error(`it ended by itself: ${this.program.output.trim() || 'without a word'}`)
    return { answered, cpuNs: cpuTimeNs(this.program.pid), at: performance.now() }
  }

  private async checkTotal(): Promise<void> {
    if (!this.load) return
    const before = await this.origin.answered()
    const total = await this.load.stop()
    this.askedOrigin += (await this.origin.answeredAll()) - before
    this.failed = total.failed
    this.fault = faultOf(total, this.payload, this.askedOrigin, this.pauses)
  }
}
