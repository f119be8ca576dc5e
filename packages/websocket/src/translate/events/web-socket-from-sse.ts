import {
  atDrain,
  type Clock,
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  HeaderList,
  type Reply,
  stopReason,
  systemClock,
} from '@gatelet/core'
import { WebSocket } from 'ws'
import { expiryOf } from '../../expiry.ts'
import type { ReceivedEvent } from '../event-parser.ts'
import { accept, checkHandshake } from '../front/handshake.ts'
import { askForEvents } from './asked-events.ts'
import { EventMessages } from './event-messages.ts'
import { type WebSocketFromSseOptions, webSocketFromSseChecks } from './web-socket-options.ts'

/**
 * Gives clients that speak WebSocket the events of a handler that answers with `text/event-stream`, each as a message. The
 * handler is asked before the handshake ends: where it answers otherwise, the client gets that answer. Events that end or break
 * off are asked for again, from the last on; 204 closes with 1000, as it stops an `EventSource`. When the client leaves, the events
 * are left at once.
 *
 * Closes with 1003 what must not send, 1008 where the credentials end or the events are refused (401, 403) later, 1009 what is too
 * long, 1011 what goes wrong here, 1012 when the server goes down, 1014 when the events cannot be had any more.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/prices', webSocketFromSse({ from: proxy(prices) }))
 */
export function webSocketFromSse<S extends object = {}>(options: WebSocketFromSseOptions<S>): Handler<S> {
  const checked = checkOptions<WebSocketFromSseOptions>('webSocketFromSse', options, webSocketFromSseChecks)
  const settings: WebSocketFromSseSettings = { ...defaults, ...checked }
  return async function webSocketFromSse(given) {
    const ctx = given as Context
    checkHandshake(ctx, settings.origins)
    const lastEventId = settings.lastEventId(ctx) ?? ''
    const question = askForEvents(ctx, settings.from, lastEventId, settings.clock)
    const undo = ctx.onAbort(() => question.abort())
    const answer = await question.answer.finally(undo)
    // For an answer that is told on, and for a handshake that nobody goes on with.
    ctx.onFinish(() => answer.drop())
    if (ctx.signal.aborted) throw stopReason(ctx)
    if (!answer.read) {
      if (answer.reply.status >= 300 || answer.reply.status === 204) return answer.reply
      throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the answer is no text/event-stream' })
    }
    const reply: Reply = { status: 101, headers: new HeaderList(), body: null }
    return Object.assign(
      reply,
      accept(ctx, settings, (socket) => {
        const messages = new EventMessages(socket, ctx, settings, lastEventId)
        const stay = atDrain(ctx, settings.clock, () => messages.close(1012))
        socket.once('close', stay)
        if (socket.readyState === WebSocket.OPEN) messages.read(answer)
      }),
    )
  }
}

/** Options with their defaults. */
export type WebSocketFromSseSettings = Required<Omit<WebSocketFromSseOptions, 'sendTo' | 'origins'>> &
  Pick<WebSocketFromSseOptions, 'sendTo'> & {
    readonly origins: WebSocketFromSseOptions['origins'] | undefined
    readonly clock: Clock
  }

const defaults: Omit<WebSocketFromSseSettings, 'from' | 'sendTo'> = {
  toMessage: ({ event, data, id }: ReceivedEvent) => JSON.stringify({ event, data, id }),
  lastEventId: ({ request }) =>
    request.headers.get('last-event-id') ?? new URLSearchParams(request.url.search).get('lastEventId') ?? undefined,
  resume: true,
  expiresAt: expiryOf,
  retryMs: 2_000,
  maxFailures: 5,
  silenceMs: 0,
  origins: undefined,
  protocols: [],
  heartbeatMs: 30_000,
  maxMessageBytes: 1_048_576,
  maxBufferedBytes: 262_144,
  maxQueued: 16,
  clock: systemClock,
}
