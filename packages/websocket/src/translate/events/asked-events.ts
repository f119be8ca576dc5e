import { type Clock, type Context, type Flow, GatewayError, type Handler, type Reply, type Source, sourceOf } from '@gatelet/core'
import { EventParser, type EventReceiver } from '../event-parser.ts'
import { plainHeaders, type SubRequest, subRequest } from '../front/sub-request.ts'

/** Events that a handler was asked for: what it answered, and how to read it. */
export interface AskedEvents {
  /** What it answered. Not events where `read` is missing: the body is for whoever tells it on. */
  readonly reply: Reply
  readonly read?: (hearing: EventHearing) => OpenEvents
  /** Nobody wants it. Harmless when it is over. */
  drop(): void
}

/** Who reads events. */
interface EventHearing extends EventReceiver {
  /** They are over, by an error where they broke off. */
  over(error: Error | undefined): void
  readonly maxBytes: number
  readonly lastEventId: string
  /** Milliseconds without a byte after which they count as broken off; 0: never. */
  readonly silenceMs: number
  readonly clock: Clock
}

/** Events that are being read. */
export interface OpenEvents {
  readonly lastEventId: string
  pause(): void
  resume(): void
  /** Reads no more; whoever sends them is told at once. */
  close(): void
}

/** A question for events under way. */
export interface EventQuestion {
  readonly answer: Promise<AskedEvents>
  abort(): void
}

/** Asks a handler for events, as an `EventSource` does. @param lastEventId empty to begin */
export function askForEvents(ctx: Context, from: Handler, lastEventId: string, clock: Clock): EventQuestion {
  const headers = plainHeaders(ctx).set('accept', 'text/event-stream').set('cache-control', 'no-store')
  // Packed events would have to be unpacked.
  headers.set('accept-encoding', 'identity')
  if (lastEventId !== '') headers.set('last-event-id', lastEventId)
  const asked = subRequest(ctx, from, { method: 'GET', headers }, clock)
  const answer = asked.reply.then(
    (reply) => answered(reply, asked),
    (error: unknown) => {
      asked.finish('failed', error instanceof GatewayError ? error.status : 500, error)
      throw error
    },
  )
  answer.catch(() => {})
  return { answer, abort: () => asked.abort() }
}

function answered(reply: Reply, asked: SubRequest): AskedEvents {
  const { status, headers, body } = reply
  const source = sourceOf(body)
  const drop = () => {
    source.cancel()
    asked.finish('aborted', status)
  }
  const isEvents = status === 200 && /^\s*text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
  if (!isEvents || reply.upgrade) return { reply, drop }
  if (/[^\s,]/.test((headers.get('content-encoding') ?? '').replace(/identity/i, ''))) {
    drop()
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'events came packed that were asked for as they are' })
  }
  return { reply, drop, read: (hearing) => new Reading(source, asked, hearing) }
}

class Reading implements OpenEvents {
  private readonly parser: EventParser
  private readonly source: Source
  private readonly asked: SubRequest
  private readonly hearing: EventHearing
  private flow: Flow | undefined
  private isPaused = false
  private isOver = false
  private heardAt: number
  private stopWatch = () => {}

  constructor(source: Source, asked: SubRequest, hearing: EventHearing) {
    this.parser = new EventParser(hearing, hearing.maxBytes, hearing.lastEventId)
    this.source = source
    this.asked = asked
    this.hearing = hearing
    this.heardAt = hearing.clock.now()
    if (hearing.silenceMs > 0) this.watch(hearing.silenceMs)
    this.flow = source.pipeTo({
      write: (chunk) => this.write(chunk),
      end: () => this.end(undefined),
      fail: (error) => this.end(error),
    })
    if (this.isPaused) this.flow.pause()
  }

  get lastEventId(): string {
    return this.parser.lastEventId
  }

  pause(): void {
    this.isPaused = true
    this.flow?.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.heardAt = this.hearing.clock.now()
    this.flow?.resume()
  }

  close(): void {
    if (this.isOver) return
    this.isOver = true
    this.stopWatch()
    this.source.cancel()
    this.asked.finish('aborted', 200)
  }

  private write(chunk: Uint8Array): boolean {
    if (this.isOver) return true
    this.heardAt = this.hearing.clock.now()
    try {
      this.parser.push(chunk)
    } catch (error) {
      this.source.cancel()
      this.end(error as Error)
    }
    return !this.isPaused
  }

  // One timer that looks, in place of one that every byte sets anew. What is paused cannot be heard.
  private watch(delayMs: number): void {
    const { clock, silenceMs } = this.hearing
    this.stopWatch = clock.setTimer(() => {
      const leftMs = this.isPaused ? silenceMs : this.heardAt + silenceMs - clock.now()
      if (leftMs > 0) {
        this.watch(leftMs)
        return
      }
      this.source.cancel()
      this.end(new GatewayError('UPSTREAM_BODY_TIMEOUT'))
    }, delayMs)
  }

  private end(error: Error | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.stopWatch()
    this.asked.finish(error ? 'failed' : 'finished', 200, error)
    this.hearing.over(error)
  }
}
