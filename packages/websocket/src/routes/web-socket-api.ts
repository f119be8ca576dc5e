import { type Context, checkOptions, type Handler, HeaderList, type Reply, stopReason } from '@gatelet/core'
import type { OpenConnection } from '../connection/connection.ts'
import { Front } from '../connection/front.ts'
import { settingsOf } from '../connection/settings.ts'
import type { Frame } from '../translate/frame.ts'
import { type RouteReply, targetOf } from './ask-route.ts'
import type { ConnectionAnswer, ConnectionInfo } from './bus.ts'
import { Directory } from './directory.ts'
import type { Authorizer } from './event.ts'
import { type WebSocketApiOptions, webSocketApiChecks } from './options.ts'
import { selectionOf } from './selection.ts'
import { Session } from './session.ts'

/** Takes handshakes, and reaches the connections that came of them. An id of another process goes over the bus, where there is one. */
export interface WebSocketApi<S extends object = {}> extends Handler<S> {
  /** Connections of this process. */
  readonly size: number
  /**
   * Sends a message to a connection; to one that is about to open, as soon as it is. `gone`: there is none. `busy`: too much waits
   * for that client. `large`: longer than `maxReplyBytes`.
   * @throws GatewayError `STORE_UNAVAILABLE`, `STORE_TIMEOUT` when the bus is away
   */
  post(connectionId: string, message: Frame): Promise<ConnectionAnswer['result']>
  /** What is known of a connection; undefined: there is none. @throws GatewayError as `post` */
  look(connectionId: string): Promise<ConnectionInfo | undefined>
  /** Closes a connection with 1000. @returns whether there was one. @throws GatewayError as `post` */
  disconnect(connectionId: string): Promise<boolean>
  /** Leaves the bus. The server's `close` ends the connections. */
  close(): Promise<void>
}

/**
 * Turns the messages of WebSockets into requests to handlers, in the style of the AWS WebSocket API: `$connect`, `$disconnect`,
 * `$default` and routes of your own, chosen by what a message says. Messages of one connection are taken one after the other; a client
 * that sends faster waits. Limits are those of AWS: 10 minutes without a message, 2 hours in all, 128 KiB a message.
 * @throws GatewayError `BAD_OPTION`
 * @example createWebSocketApi({ routes: { $connect: proxy(users), say: { to: proxy(chat), respond: true }, $default: proxy(chat) } })
 */
export function createWebSocketApi<S extends object = {}>(options: WebSocketApiOptions<S>): WebSocketApi<S> {
  const api = new Api(checkOptions<WebSocketApiOptions>('createWebSocketApi', options, webSocketApiChecks))
  const { directory } = api
  const handler = function webSocketApi(ctx: Context<S>) {
    return api.handshake(ctx as Context)
  }
  Object.defineProperty(handler, 'size', { get: () => directory.size })
  return Object.assign(handler, {
    post: (id: string, message: Frame) => directory.post(id, message),
    look: (id: string) => directory.look(id),
    disconnect: (id: string) => directory.disconnect(id),
    close: () => directory.close(),
  }) as WebSocketApi<S>
}

const quotas = { idleTimeoutMs: 600_000, maxLifeMs: 7_200_000, maxMessageBytes: 131_072 }

const defaults = {
  routeSelectionExpression: '$request.body.action',
  authorizer: principalOf,
  routeTimeoutMs: 29_000,
  maxReplyBytes: 131_072,
  maxEarly: 16,
  stage: '$default',
  apiId: 'gatelet',
}

class Api {
  readonly directory: Directory
  private readonly front: Front
  private readonly settings: ReturnType<typeof apiSettings>

  constructor(options: WebSocketApiOptions) {
    this.settings = apiSettings(options)
    this.front = new Front(this.settings)
    this.directory = new Directory(options.bus)
  }

  async handshake(ctx: Context): Promise<Reply> {
    this.front.admit(ctx)
    await this.directory.serve()
    const session = await this.sessionOf(ctx)
    this.directory.add(session)
    let isOpen = false
    let isOver = false
    let isAccepted = false
    // Whoever was told of it is told of its end, also when the client has left before it opened.
    const tellEnd = () => {
      if (isOver && isAccepted && !isOpen) this.goOn(ctx, session.disconnect({ code: 1006, reason: '' }))
    }
    ctx.onFinish(() => {
      isOver = true
      this.directory.remove(session)
      tellEnd()
    })
    const reply = await session.connect()
    isAccepted = reply === undefined || isGood(reply)
    if (reply && !isAccepted) return refused(reply)
    tellEnd()
    if (ctx.signal.aborted) throw stopReason(ctx)
    const protocol = reply?.headers.get('sec-websocket-protocol')
    const acceptance = { id: session.id, ...(protocol !== undefined && { protocols: [protocol] }) }
    return this.front.accept(ctx, acceptance, (connection) => {
      isOpen = true
      this.run(ctx, session, connection)
    })
  }

  private run(ctx: Context, session: Session, connection: OpenConnection<object>): void {
    const done = session.open(connection)
    void connection.closed.then(() => {
      this.directory.remove(session)
      this.goOn(ctx, done)
    })
  }

  /** What is still to be done for a connection that is over: the server's `close` waits for it, where it is ours to close. */
  private goOn(ctx: Context, work: Promise<void>): void {
    if (!ctx.background(() => work)) void work
  }

  private async sessionOf(ctx: Context): Promise<Session> {
    const { clock, stage, apiId, stageVariables, authorizer } = this.settings
    const origin = {
      request: ctx.request,
      connectionId: this.directory.newId(),
      connectedAt: Math.floor(clock.date()),
      authorizer: await authorizer(ctx),
      stage,
      apiId,
      stageVariables,
    }
    return new Session(ctx, origin, this.settings)
  }
}

function apiSettings(options: WebSocketApiOptions) {
  const { routes, ...given } = options
  const settings = { stageVariables: undefined, ...defaults, ...given, ...settingsOf(given, quotas) }
  return {
    ...settings,
    routes: new Map(Object.entries(routes).map(([key, route]) => [key, targetOf(route)])),
    select: selectionOf(settings.routeSelectionExpression),
  }
}

const isGood = ({ status }: RouteReply) => status >= 200 && status < 300

// What the route says of its own connection is not the client's.
function refused({ status, headers, bytes }: RouteReply): Reply {
  const kept = ['content-type', 'www-authenticate', 'retry-after', 'location', 'cache-control']
  const told = new HeaderList()
  for (const name of kept) for (const value of headers.getAll(name)) told.append(name, value)
  return { status, headers: told, body: bytes }
}

function principalOf({ state }: Context): Authorizer | undefined {
  const { subject } = ((state as { principal?: unknown }).principal ?? {}) as { subject?: unknown }
  return typeof subject === 'string' ? { principalId: subject } : undefined
}
