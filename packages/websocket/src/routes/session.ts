import { type Context, GatewayError, publish } from '@gatelet/core'
import type { Closed } from '../connection/close-codes.ts'
import { newId, type OpenConnection } from '../connection/connection.ts'
import { type Frame, frameLength } from '../translate/frame.ts'
import { askRoute, messageOf, type RouteLimits, type RouteReply, type RouteTarget } from './ask-route.ts'
import type { ConnectionAnswer, ConnectionInfo } from './bus.ts'
import {
  connectEvent,
  disconnectEvent,
  identityOf,
  type Moment,
  messageEvent,
  type Origin,
  type WebSocketEvent,
} from './event.ts'
import type { Selection } from './selection.ts'

/** What all sessions of an API share. */
export interface SessionSettings extends RouteLimits {
  readonly routes: ReadonlyMap<string, RouteTarget>
  readonly select: Selection
  readonly maxEarly: number
}

// Up to this much waits for a client without a word to whoever posts more.
const BUSY_BYTES = 65_536

/** One connection of an API: its routes are asked in the order of its messages, one after the other. */
export class Session {
  readonly id: string
  private readonly ctx: Context
  private readonly origin: Origin
  private readonly settings: SessionSettings
  private connection: OpenConnection<object> | undefined
  private readonly early: Frame[] = []
  private lastActiveAt: number
  private isEnded = false

  constructor(ctx: Context, origin: Origin, settings: SessionSettings) {
    this.id = origin.connectionId
    this.ctx = ctx
    this.origin = origin
    this.settings = settings
    this.lastActiveAt = origin.connectedAt
  }

  /** Asks `$connect`; undefined where there is none. @throws what it throws */
  async connect(): Promise<RouteReply | undefined> {
    const target = this.settings.routes.get('$connect')
    return target && this.ask(target, connectEvent(this.origin, this.moment('$connect')), '')
  }

  /** The handshake is over. @returns when the last message was taken, and `$disconnect` told. Never rejects */
  async open(connection: OpenConnection<object>): Promise<void> {
    this.connection = connection
    for (const message of this.early.splice(0)) void connection.send(message)
    if (this.isEnded) connection.close(1000)
    for await (const message of connection) await this.take(message)
    await this.disconnect(await connection.closed)
  }

  /** Tells `$disconnect`. Never rejects. */
  async disconnect(closed: Closed): Promise<void> {
    const target = this.settings.routes.get('$disconnect')
    if (!target) return
    try {
      await this.ask(target, disconnectEvent(this.origin, this.moment('$disconnect'), closed), '')
    } catch (error) {
      // There is nobody to tell.
      publish('request:failed', { context: this.ctx, error })
    }
  }

  /** Sends a message that somebody posts. */
  post(message: Frame): ConnectionAnswer['result'] {
    const { connection, early } = this
    if (frameLength(message) > this.settings.maxReplyBytes) return 'large'
    if (!connection) {
      if (early.length >= this.settings.maxEarly) return 'busy'
      early.push(message)
      return 'done'
    }
    if (connection.bufferedBytes > BUSY_BYTES) return 'busy'
    this.lastActiveAt = this.settings.clock.date()
    void connection.send(message)
    return 'done'
  }

  /** Whether it was open, and is no more. */
  get isGone(): boolean {
    return this.connection?.isOpen === false
  }

  get info(): ConnectionInfo {
    return {
      connectedAt: new Date(this.origin.connectedAt).toISOString(),
      lastActiveAt: new Date(this.lastActiveAt).toISOString(),
      identity: identityOf(this.origin.request),
    }
  }

  /** Somebody ends it; one that is about to open, as soon as it is. */
  end(): void {
    this.isEnded = true
    this.connection?.close(1000)
  }

  // Never rejects: the next message comes in any case.
  private async take(message: Frame): Promise<void> {
    this.lastActiveAt = this.settings.clock.date()
    const [routeKey, target] = this.routeOf(message)
    const moment = this.moment(routeKey)
    if (!target) {
      await this.tell('Forbidden', moment)
      return
    }
    try {
      const reply = await this.ask(target, messageEvent(this.origin, moment, message), message)
      if (reply.status >= 400) await this.tell('Internal server error', moment)
      else if (target.respond && reply.bytes.byteLength > 0) await this.connection?.send(messageOf(reply))
    } catch (error) {
      publish('request:failed', { context: this.ctx, error })
      const isLate = error instanceof GatewayError && error.status === 504
      await this.tell(isLate ? 'Endpoint request timed out' : 'Internal server error', moment)
    }
  }

  private routeOf(message: Frame): [key: string, target: RouteTarget | undefined] {
    const { routes, select } = this.settings
    const key = typeof message === 'string' ? select(parsed(message)) : undefined
    const own = key === undefined || key.startsWith('$') ? undefined : routes.get(key)
    return own ? [key as string, own] : ['$default', routes.get('$default')]
  }

  private ask(target: RouteTarget, event: WebSocketEvent, message: Frame): Promise<RouteReply> {
    return askRoute(this.ctx, target, event, message, this.settings)
  }

  private moment(routeKey: string): Moment {
    return { routeKey, requestId: newId(), at: Math.floor(this.settings.clock.date()) }
  }

  private async tell(message: string, { requestId }: Moment): Promise<void> {
    await this.connection?.send(JSON.stringify({ message, connectionId: this.id, requestId }))
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
