import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nginx, nginxOrigin, nginxRequests } from './nginx.ts'
import { freePort, listening } from './ports.ts'
import { start } from './processes.ts'

/** Who answers in the end: one process, at two addresses, so that there is something to balance. */
export interface Origin extends AsyncDisposable {
  readonly kind: string
  readonly urls: readonly string[]
  /** Requests that it has answered so far. */
  answered(): Promise<number>
  /** The same, once no more come. */
  answeredAll(): Promise<number>
}

/** Starts nginx, which costs the machine least, or a node:http server where nginx is not installed. */
export async function startOrigin(): Promise<Origin> {
  const [countPort, ...ports] = [await freePort(), await freePort(), await freePort()]
  const program = start(nginx ? nginxOrigin(ports, countPort) : nodeOrigin(ports, countPort), 'others')
  for (const port of [countPort, ...ports]) await listening(program, port)
  let asked = 0
  const answered = async () => {
    const text = await (await fetch(`http://127.0.0.1:${countPort}/`)).text()
    // nginx counts our questions too.
    return nginx ? nginxRequests(text) - ++asked : Number(text)
  }
  const answeredAll = async () => {
    let before = Number.NaN
    let now = await answered()
    // A second at most: should a load go on, that is for others to find.
    for (let tries = 0; now !== before && tries < 100; tries++) {
      await delay(10)
      before = now
      now = await answered()
    }
    return now
  }
  return {
    kind: nginx ? 'nginx' : 'node:http',
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    answered,
    answeredAll,
    [Symbol.asyncDispose]: () => program.stop(),
  }
}

function nodeOrigin(ports: readonly number[], countPort: number): string[] {
  return [
    process.execPath,
    fileURLToPath(new URL('dist/programs/origin.js', import.meta.url)),
    String(countPort),
    ...ports.map(String),
  ]
}
