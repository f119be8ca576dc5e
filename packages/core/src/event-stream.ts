import { type Clock, systemClock } from './clock.ts'
import type { Context, Reply } from './contract.ts'
import { atDrain } from './draining.ts'
import { asError, GatewayError } from './errors.ts'
import { HeaderList } from './headers.ts'
import { type Check, type Checks, checkOptions, clock, milliseconds, number, optional, record, string, wrong } from './options.ts'
import { isPromise } from './promise.ts'
import { type Producer, PushSource } from './push-source.ts'
import { encodeEvent, type ServerEvent } from './server-event.ts'

/** Sends the events of one stream. */
export interface EventSender {
  /**
   * @returns false when the client does not keep up: wait for `drained()` where the events can wait. After the end, nothing
   * happens.
   * @throws TypeError for data that JSON cannot say
   */
  send(event: ServerEvent): boolean
  /** Settles when there is room, or when the stream is over. Never rejects. */
  drained(): Promise<void>
  /** The client connects again after it, unless it is told not to: by an event that the page knows, or by 204 then. */
  end(): void
  /** Breaks the stream off. */
  fail(error: Error): void
  /** False when the client has left, or the stream ended otherwise. */
  readonly isOpen: boolean
}

/**
 * Sends events from when the client reads, until it calls `end()` or the client leaves. What it returns is called once, when
 * the stream is over: close what the events come from there.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: most feeds return nothing, some a function
export type EventFeed = (events: EventSender) => void | (() => void)

/** How events are sent. */
export interface EventStreamOptions {
  /** A comment goes out after so many milliseconds of silence, so that nobody on the way takes it for dead. Default 15,000. */
  heartbeatMs?: number
  /** Milliseconds that the client is to wait before it connects again. Default: the client's own, some seconds. */
  retryMs?: number
  /** Fields beside those that every stream has. */
  headers?: Readonly<Record<string, string>>
  /** Bytes that are held for a client which does not keep up, 1 to 1 GiB; beyond, the stream is broken off. Default 1 MiB. */
  maxBufferedBytes?: number
  /**
   * The request that is answered. With it the stream ends by itself when the server goes down, within the first half of its grace and at
   * a moment by chance, and its client connects again elsewhere. Default: it is cut when the grace is over.
   */
  endAtDrain?: Context
  /** Default: the machine's. */
  clock?: Clock
}

/**
 * A reply of server-sent events (HTML §9.2). Asked only when the reply is read; stopped when the client leaves; not to be stored,
 * buffered or compressed on the way.
 * @param from what sends the events, or an async iterable of them, which goes at the pace of the client
 * @throws GatewayError `BAD_OPTION`, `BAD_HEADER`
 * @example eventStream(async function* () { for await (const price of prices) yield { event: 'price', data: price } }())
 * @example eventStream((events) => { const tell = (order) => events.send({ data: order }); shop.on('order', tell); return () => shop.off('order', tell) })
 */
export function eventStream(from: EventFeed | AsyncIterable<ServerEvent>, options: EventStreamOptions = {}): Reply {
  const feed = feedOf(from)
  const settings = checkOptions('eventStream', options, eventStreamChecks)
  const headers = new HeaderList({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
    // For nginx, which buffers what it proxies.
    'x-accel-buffering': 'no',
  })
  for (const [name, value] of Object.entries(settings.headers ?? {})) headers.set(name, value)
  return { status: 200, headers, body: new EventFlow(feed, settings).body }
}

class EventFlow implements EventSender, Producer {
  readonly body: PushSource = new PushSource(this)
  isOpen = true
  private readonly feed: EventFeed
  private readonly clock: Clock
  private readonly settings: EventStreamOptions
  private readonly heartbeatMs: number
  private readonly maxBufferedBytes: number
  private waiting: (() => void)[] = []
  private isFull = false
  private held = 0
  private sentAt = 0
  private undo: (() => void) | undefined
  private stopHeart = () => {}
  private stay = () => {}

  constructor(feed: EventFeed, settings: EventStreamOptions) {
    const { clock = systemClock, heartbeatMs = 15_000, maxBufferedBytes = 1_048_576 } = settings
    this.feed = feed
    this.settings = settings
    this.clock = clock
    this.heartbeatMs = heartbeatMs
    this.maxBufferedBytes = maxBufferedBytes
  }

  start(): void {
    this.sentAt = this.clock.now()
    this.beat()
    const { endAtDrain } = this.settings
    if (endAtDrain) this.stay = atDrain(endAtDrain, this.clock, () => this.end())
    if (this.settings.retryMs !== undefined) this.send({ retry: this.settings.retryMs })
    try {
      this.attach(this.feed(this))
    } catch (error) {
      this.fail(asError(error))
    }
  }

  send(event: ServerEvent): boolean {
    const text = encodeEvent(event)
    if (!this.isOpen || text === '') return !this.isFull
    const bytes = Buffer.from(text)
    this.held = this.isFull ? this.held + bytes.byteLength : 0
    if (this.held > this.maxBufferedBytes) {
      this.fail(new GatewayError('OVERLOADED', { message: `a client left ${this.maxBufferedBytes} bytes of events unread` }))
      return true
    }
    this.sentAt = this.clock.now()
    if (!this.body.push(bytes)) this.isFull = true
    return !this.isFull
  }

  drained(): Promise<void> {
    if (!this.isFull || !this.isOpen) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  end(): void {
    if (this.over()) this.body.end()
  }

  fail(error: Error): void {
    if (this.over()) this.body.fail(error)
  }

  pause(): void {
    this.isFull = true
  }

  resume(): void {
    this.isFull = false
    this.wake()
  }

  cancel(): void {
    this.over()
  }

  /** @returns whether it was open until now */
  private over(): boolean {
    if (!this.isOpen) return false
    this.isOpen = false
    this.stopHeart()
    this.stay()
    this.wake()
    this.undo?.()
    return true
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }

  // What a feed leaves to be undone, also when it ended the stream itself; and an async function, whose failure counts too.
  private attach(undo: unknown): void {
    if (isPromise(undo)) {
      undo.then(
        (late) => this.attach(late),
        (error: unknown) => this.fail(asError(error)),
      )
    } else if (typeof undo === 'function') {
      if (this.isOpen) this.undo = undo as () => void
      else undo()
    }
  }

  private beat(): void {
    const silentMs = this.clock.now() - this.sentAt
    if (silentMs >= this.heartbeatMs && !this.isFull) this.send({ comment: 'ping' })
    const dueMs = this.isFull ? this.heartbeatMs : this.heartbeatMs - (this.clock.now() - this.sentAt)
    if (this.isOpen) this.stopHeart = this.clock.setTimer(() => this.beat(), Math.max(1, dueMs))
  }
}

function feedOf(from: EventFeed | AsyncIterable<ServerEvent>): EventFeed {
  if (typeof from === 'function') return from
  if (typeof from?.[Symbol.asyncIterator] === 'function') return (events) => pumped(from[Symbol.asyncIterator](), events)
  throw wrong(from, 'from', 'a function (events) => … or an async iterable of events')
}

function pumped(iterator: AsyncIterator<ServerEvent>, events: EventSender): () => void {
  const pump = async () => {
    while (events.isOpen) {
      const { done, value } = await iterator.next()
      if (done) return events.end()
      if (!events.send(value)) await events.drained()
    }
  }
  pump().catch((error: unknown) => events.fail(asError(error)))
  // Where it is in the middle of something, it stops behind that.
  return () => void Promise.resolve(iterator.return?.()).catch(() => {})
}

const context: Check<Context> = (value, path) => {
  if (typeof (value as Partial<Context> | undefined)?.onFinish === 'function') return value as Context
  throw wrong(value, path, 'the context of a request')
}

/** What each option must be. */
const eventStreamChecks: Checks<EventStreamOptions> = {
  heartbeatMs: optional(milliseconds()),
  retryMs: optional(number({ min: 0, max: 86_400_000, integer: true, unit: 'milliseconds' })),
  headers: optional(record(string)),
  maxBufferedBytes: optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  endAtDrain: optional(context),
  clock: optional(clock),
}
