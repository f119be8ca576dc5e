import { createHash } from 'node:crypto'
import { type Context, type Exchange, exchangeOf, guarded, subscribe } from '@gatelet/core'
import { Attached } from '../attached.ts'

/** What is known of a request before it is over. */
interface Known {
  route?: string
  /** By `identify`. */
  named?: string
  /** By `auth`. */
  proved?: string
}

/** Finds out who asks, and for what, from layers and from what is told of a request on its way. */
export class WhoAsks {
  private readonly known = new Attached<Exchange, Known>()
  private readonly undo: readonly (() => void)[]
  private readonly consumer: (ctx: Context) => string | undefined

  constructor(consumer: (ctx: Context) => string | undefined) {
    this.consumer = consumer
    this.undo = [
      subscribe('request:routed', ({ context, route }) => this.note(context, { route })),
      subscribe('auth:decided', ({ context, subject }) => {
        if (subject !== undefined) this.note(context, { proved: subject })
      }),
    ]
  }

  /** A function of the user's that fails leaves the request to nobody known: it is counted all the same. */
  name<S extends object>(ctx: Context<S>, consumer: (ctx: Context<S>) => string | undefined): void {
    const named = asked(consumer, ctx)
    if (named !== undefined) this.note(ctx, { named })
  }

  of(context: Context): { consumer: string | null; route: string | null } {
    const exchange = exchangeOf(context)
    const { route, named, proved } = (exchange && this.known.get(exchange)) ?? nothing
    const consumer = named ?? asked(this.consumer, context) ?? proved
    return { consumer: consumer === undefined ? null : bounded(consumer), route: route ?? null }
  }

  close(): void {
    for (const undo of this.undo) undo()
  }

  private note<S extends object>(context: Context<S>, more: Known): void {
    const exchange = exchangeOf(context)
    if (exchange) this.known.set(exchange, { ...this.known.get(exchange), ...more })
  }
}

function asked<S extends object>(consumer: (ctx: Context<S>) => string | undefined, ctx: Context<S>): string | undefined {
  let name: unknown
  guarded(
    () => {
      name = consumer(ctx)
    },
    undefined,
    'usage (consumer)',
  )
  return typeof name === 'string' ? name : undefined
}

// A name is kept as long as it is counted: one that a client makes up must not be of any length, nor become that of another.
const MAX_LENGTH = 256

const bounded = (name: string): string =>
  name.length <= MAX_LENGTH ? name : `sha256:${createHash('sha256').update(name).digest('hex')}`

const nothing: Known = {}
