import type { Call, UpstreamConnections } from '../connections.ts'
import type { Connector } from '../connector.ts'
import { OpenConnections } from '../open-connections.ts'
import type { ProxySettings } from '../options.ts'
import { type SessionOwner, UpstreamSession } from './session.ts'

/**
 * The connections of HTTP/2 to one endpoint. Many requests share one; another is opened when the first has no room. undici's
 * own HTTP/2 is not used: it knows no trailers and no interim answers, cannot tell what an upstream has refused, and gives up
 * every request at a GOAWAY (7.30).
 */
export class Http2Connections implements UpstreamConnections, SessionOwner {
  private readonly origin: string
  private readonly connect: Connector
  private readonly settings: ProxySettings
  private readonly open: OpenConnections<UpstreamSession>

  constructor(origin: string, connect: Connector, settings: ProxySettings) {
    this.origin = origin
    this.connect = connect
    this.settings = settings
    this.open = new OpenConnections(settings)
  }

  dispatch(call: Call): void {
    const { waiting } = this.open
    const session = waiting.size === 0 ? this.available(call) : undefined
    if (session) session.take(call)
    else waiting.add(call)
  }

  get isClosed(): boolean {
    return this.open.isClosed
  }

  get isEmpty(): boolean {
    return this.open.isEmpty
  }

  close(): Promise<void> {
    return this.open.close()
  }

  /** @internal */
  hasRoom(): void {
    this.open.waiting.serve(
      (call) => this.available(call),
      (call, session) => session.take(call),
    )
  }

  /** @internal */
  gone(session: UpstreamSession): void {
    this.open.remove(session)
    this.hasRoom()
  }

  private available(call: Call): UpstreamSession | undefined {
    if (call.needsFresh) return this.opened() ?? this.used()
    return this.used() ?? this.opened()
  }

  private used(): UpstreamSession | undefined {
    for (const session of this.open) if (session.isOpen) return session
    return undefined
  }

  private opened(): UpstreamSession | undefined {
    if (!this.open.hasRoom) return undefined
    return this.open.add(new UpstreamSession(this.origin, this.connect, this.settings, this))
  }
}
