import { setTimeout as delay } from 'node:timers/promises'
import { cpuTimeNs } from './cpu.ts'
import { type LoadTotal, startLoad } from './load.ts'
import type { Origin } from './origin.ts'
import { connections, type Payload, requestHeaders } from './payloads.ts'
import { freePort, listening } from './ports.ts'
import { type Running, start } from './processes.ts'
import type { Subject } from './subjects.ts'

/** A part of a second under load. */
interface Sample {
  /** CPU time of the subject for each request, in microseconds. */
  readonly cpuUs: number
  readonly requestsPerSecond: number
}

/** One process of one subject under load. */
export interface Round {
  readonly samples: readonly Sample[]
  readonly failed: number
  /** Why it does not count. */
  readonly fault?: string
}

/** How long a round is, in milliseconds. */
export interface RoundTimes {
  /** Before it counts: connections open and the engine compiles what is hot. */
  readonly warmUpMs: number
  readonly countedMs: number
}

// Long enough that the scheduler's clock (4 ms) does not show, short enough that some are not disturbed.
const sampleMs = 200

/** Starts the subject, loads it, and measures it. */
export async function measure(subject: Subject, payload: Payload, times: RoundTimes, origin: Origin): Promise<Round> {
  const port = await freePort()
  await using program = start(subject.command(port, origin.urls), 'subject')
  await listening(program, port)
  const url = `http://127.0.0.1:${port}${payload.path}`
  await checkAnswer(url, payload)
  const before = await origin.answered()
  await using load = startLoad(url, payload)
  await delay(times.warmUpMs)
  const samples = await samplesOf(program, origin, times.countedMs)
  const total = await load.stop()
  const fault = faultOf(total, payload, (await origin.answered()) - before)
  return { samples, failed: total.failed, ...(fault === undefined ? {} : { fault }) }
}

async function samplesOf(program: Running, origin: Origin, countedMs: number): Promise<Sample[]> {
  // The count comes over a socket, the CPU time from a file: it is read at once when the count is here.
  const reading = async () => {
    const answered = await origin.answered()
    if (program.hasEnded) throw new Error(`it ended by itself: ${program.output.trim() || 'without a word'}`)
    return { answered, cpuNs: cpuTimeNs(program.pid), at: performance.now() }
  }
  const samples: Sample[] = []
  let last = await reading()
  for (const end = last.at + countedMs; last.at < end; ) {
    await delay(sampleMs)
    const now = await reading()
    const requests = now.answered - last.answered
    const cpuUs = (now.cpuNs - last.cpuNs) / 1_000 / requests
    // Without a request there is nothing to divide by. Were the subject stuck, requests would fail in time.
    if (requests > 0) samples.push({ cpuUs, requestsPerSecond: (requests / (now.at - last.at)) * 1_000 })
    last = now
  }
  return samples
}

// A proxy that answers wrongly may well be fast.
async function checkAnswer(url: string, { method, sent, received }: Payload): Promise<void> {
  const body = sent > 0 ? { body: 'x'.repeat(sent) } : {}
  const response = await fetch(url, { method, headers: requestHeaders, ...body })
  const { byteLength } = await response.arrayBuffer()
  if (response.status !== 200 || byteLength !== received) {
    throw new Error(`${method} ${url} was answered ${response.status} with ${byteLength} bytes, not 200 with ${received}`)
  }
}

/** Why what the load saw does not count, if it does not. */
export function faultOf({ answered, bytes, failed }: LoadTotal, { received }: Payload, atOrigin: number): string | undefined {
  if (failed > 0) return `${failed} of ${answered + failed} answers failed`
  if (answered === 0) return 'nothing was answered'
  if (bytes < answered * received) return 'answers were too short'
  // Retries would make a request look cheaper than it is: cost is by request that reached the origin.
  const more = Math.abs(atOrigin - answered)
  if (more > connections + answered / 100) return `${answered} answers, but ${atOrigin} requests at the origin`
  return undefined
}
