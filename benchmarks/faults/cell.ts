import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type RawClient, type RawReply, type RawScript, type RawServer, rawClient, rawRequest, rawServer } from '@gatelet/testing'
import { freePort, listening } from '../ports.ts'
import { type Running, start } from '../processes.ts'
import type { FaultSubject } from './subjects.ts'

/** What one proxy did with one fault. */
export interface Verdict {
  readonly isRight: boolean
  /** What was seen, in a few words. */
  readonly seen: string
}

/** Something that goes wrong, and what a proxy must make of it. */
export interface Fault {
  readonly title: string
  readonly must: string
  /** What the server behind does. Left out: it does not listen. */
  readonly upstream?: RawScript
  /** Plays the client, and looks at what came of it. */
  play(cell: Cell): Promise<Verdict>
}

/** One proxy, in a fresh process, between the client and the server of one fault. */
export class Cell {
  readonly port: number
  readonly upstream: RawServer
  readonly program: Running

  constructor(port: number, upstream: RawServer, program: Running) {
    this.port = port
    this.upstream = upstream
    this.program = program
  }

  ask(bytes: string, silenceMs = 6_000): Promise<RawReply> {
    return rawRequest(this.port, bytes, { silenceMs, responses: 1 })
  }

  connect(): Promise<RawClient> {
    return rawClient(this.port)
  }

  /** Resolves when a whole head has come to the server. */
  async wasAsked(): Promise<void> {
    await this.upstream.when(({ connections }) => connections[0]?.received.includes('\r\n\r\n'))
  }

  /** Whether the server has seen the end of all its connections within a time. */
  async letsGo(withinMs: number): Promise<boolean> {
    const isFree = () => this.upstream.connections.every(({ closed }) => closed !== 'open')
    for (let waited = 0; waited < withinMs && !isFree(); waited += 10) await delay(10)
    return isFree()
  }

  /** Memory that the process has now, in MB. */
  get residentMb(): number {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.program.pid}/status`, 'utf8'))?.[1]
    return Number(kb ?? 0) / 1_024
  }
}

/** Lets one proxy meet one fault. That it dies of it is told before everything else. */
export async function meet(fault: Fault, subject: FaultSubject): Promise<Verdict> {
  await using upstream = await rawServer(fault.upstream)
  const port = await freePort()
  await using program = start(subject.command(port, upstream.port), 'subject')
  await listening(program, port)
  if (!fault.upstream) await upstream.close()
  const verdict = await fault
    .play(new Cell(port, upstream, program))
    .catch((error: Error): Verdict => ({ isRight: false, seen: error.message.slice(0, 80).replace(/\s+/g, ' ') }))
  await delay(200)
  return program.hasEnded ? { isRight: false, seen: 'the process exits' } : verdict
}
