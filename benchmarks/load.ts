import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findProgram } from '@gatelet/testing'
import { connections, type Payload, requestHeaders } from './payloads.ts'
import { type Running, start } from './processes.ts'

/** What the load saw, from its first request to its last. */
export interface LoadTotal {
  readonly answered: number
  /** Bytes of all replies; wrk counts their headers too. */
  readonly bytes: number
  /** Replies other than 2xx and 3xx, broken connections, and requests that took more than 30 seconds. */
  readonly failed: number
}

/** Requests without end. */
export interface Load extends AsyncDisposable {
  /** Sends no more, and reads no more: answers on their way wait in the sockets. */
  pause(): void
  resume(): void
  stop(): Promise<LoadTotal>
}

const wrk = findProgram('wrk')

/** What makes the load. */
export const loadKind: string = wrk ? 'wrk -t1' : 'a node program on undici'

/** Asks `url` on many connections, each sending its next request when it has its answer. */
export function startLoad(url: string, payload: Payload): Load {
  const program = start(wrk ? wrkCommand(wrk, url, payload) : nodeCommand(url, payload), 'others')
  return {
    pause: () => program.signal('SIGSTOP'),
    resume: () => program.signal('SIGCONT'),
    async stop() {
      program.signal('SIGCONT')
      // wrk's main thread has to be asleep again to be woken by the signal; else another thread takes it, and wrk goes on.
      await delay(50)
      await program.stop('SIGINT')
      return total(program)
    },
    [Symbol.asyncDispose]: () => program.stop(),
  }
}

function wrkCommand(wrk: string, url: string, { method, sent }: Payload): string[] {
  const headers = Object.entries(requestHeaders).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const script = fileURLToPath(new URL('load.lua', import.meta.url))
  return [wrk, '-t1', `-c${connections}`, '-d1h', '--timeout', '30s', ...headers, '-s', script, url, '--', method, String(sent)]
}

function nodeCommand(url: string, { method, sent }: Payload): string[] {
  return [process.execPath, fileURLToPath(new URL('dist/programs/load.js', import.meta.url)), url, method, String(sent)]
}

function total(program: Running): LoadTotal {
  const line = program.output.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`the load did not tell what it saw: ${program.output}`)
  return JSON.parse(line) as LoadTotal
}
