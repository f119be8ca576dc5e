import { type Context, type Exchange, exchangeOf, subscribe } from '@gatelet/core'
import { answeredStatus } from '../answered-status.ts'
import { Attached, requestOf } from '../attached.ts'

/** What was learned of a request on its way. */
export interface Notes {
  route?: string
  /** The id of the last endpoint that was asked, or of the one that answered first. */
  endpoint?: string
  attempts: number
  /** Milliseconds that the attempts took, up to their heads. */
  upstreamMs: number
  upstreamStatus?: number | undefined
  cache?: string
  subject?: string
  auth?: string
  limited?: string
  requestId?: string
  traceId?: string
  error?: unknown
}

/** Takes notes of requests from the events that are told of them, for who tells of them in the end. */
export class NoteTaker {
  private readonly taken = new Attached<Exchange, Notes>()
  private readonly undo: readonly (() => void)[]

  constructor() {
    this.undo = [
      subscribe('request:routed', ({ context, route }) => {
        const notes = this.at(context)
        if (notes) notes.route = route
      }),
      subscribe('upstream:attempted', (event) => {
        const { context, endpoint, outcome, error } = event
        const notes = this.at(context)
        // What is refreshed behind an answer is nothing that this one waited for.
        if (!notes || notes.cache === 'hit' || notes.cache === 'stale') return
        notes.attempts++
        notes.upstreamMs += outcome.latencyMs
        // A hedge that lost: what is told is how the one went that won.
        if (outcome.kind === 'cancelled' && notes.upstreamStatus !== undefined) return
        notes.endpoint = endpoint.id
        notes.upstreamStatus = answeredStatus(event)
        if (error !== undefined) notes.error = error
      }),
      subscribe('auth:decided', ({ context, outcome, reason, subject }) => {
        const notes = this.at(context)
        if (!notes) return
        notes.auth = reason === undefined ? outcome : `${outcome} ${reason}`
        if (subject !== undefined) notes.subject = subject
      }),
      subscribe('rate:decided', ({ context, verdict, isShadow }) => {
        const notes = this.at(context)
        if (notes && !verdict.allowed && !isShadow) notes.limited = verdict.reason ?? 'quota'
      }),
      subscribe('cache:answered', ({ context, result }) => {
        const notes = this.at(context)
        if (notes) notes.cache = result
      }),
      subscribe('request:failed', ({ context, error }) => {
        const notes = this.at(context)
        if (notes) notes.error = error
      }),
    ]
  }

  /** What is noted of a request so far. */
  of(context: Context): Notes | undefined {
    const exchange = exchangeOf(context)
    return exchange && this.taken.get(exchange)
  }

  close(): void {
    for (const undo of this.undo) undo()
  }

  private at(context: Context): Notes | undefined {
    const exchange = requestOf(context)
    if (!exchange) return undefined
    let notes = this.taken.get(exchange)
    if (!notes) {
      notes = { attempts: 0, upstreamMs: 0 }
      this.taken.set(exchange, notes)
    }
    // The event in the end knows the first context only, in which no layer has written anything.
    const { requestId, trace } = context.state as { requestId?: unknown; trace?: { traceId?: unknown } }
    if (typeof requestId === 'string') notes.requestId = requestId
    if (typeof trace?.traceId === 'string') notes.traceId = trace.traceId
    return notes
  }
}
