import { type Context, type Handler, type Producer, PushSource, type Summary, subscribe } from '@gatelet/core'
import { type FetchHandler, type FetchOptions, toFetch } from '@gatelet/fetch'

/** A handler in a fetch host, what it saw, and how each of its exchanges ended. */
export interface Watched<Env> {
  readonly handle: FetchHandler<Env>
  readonly contexts: Context[]
  readonly ends: Summary[]
}

/** Puts a handler into a fetch host and watches its exchanges. */
export function watched<Env = unknown>(handler: Handler, options: FetchOptions<Env> = {}): Watched<Env> {
  const contexts: Context[] = []
  const ends: Summary[] = []
  const handle = toFetch((ctx) => {
    contexts.push(ctx)
    ctx.onFinish((summary) => ends.push(summary))
    return handler(ctx)
  }, options)
  return { handle, contexts, ends }
}

/** A source that a test fills by hand, and what was asked of who fills it. */
export function tap(): { source: PushSource; told: string[] } {
  const told: string[] = []
  const note = (what: string) => () => void told.push(what)
  const producer: Producer = { start: note('start'), pause: note('pause'), resume: note('resume'), cancel: note('cancel') }
  return { source: new PushSource(producer), told }
}

/** What reached the edge as an error while `work` ran. */
export async function failuresOf(work: () => Promise<unknown>): Promise<unknown[]> {
  const seen: unknown[] = []
  const undo = subscribe('request:failed', ({ error }) => void seen.push(error))
  await work().finally(undo)
  return seen
}

/** Turns of the event loop, until everything that waits for a promise has gone on. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A stream that a test fills by hand. */
export function handStream(): {
  stream: ReadableStream<Uint8Array>
  controller: ReadableStreamDefaultController<Uint8Array>
  cancelled: unknown[]
  pulls: () => number
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let pulls = 0
  const cancelled: unknown[] = []
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
      },
      pull: () => void pulls++,
      cancel: (reason) => void cancelled.push(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, controller: controller as ReadableStreamDefaultController<Uint8Array>, cancelled, pulls: () => pulls }
}

/** The chunks of a body, as they come. */
export async function bodyOf(response: Response): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  const reader = response.body!.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) chunks.push(Buffer.from(part.value))
  return chunks
}

/** The status of a problem, and its code. */
export async function problemIn(response: Response): Promise<[status: number, code: unknown]> {
  const { code } = (await response.json()) as { code?: unknown }
  return [response.status, code]
}
