import { type Call, closing, type UpstreamConnections } from '../connections.ts'
import type { Connector } from '../connector.ts'
import type { ProxySettings } from '../options.ts'
import { WaitingCalls } from '../waiting-calls.ts'
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
  private readonly all = new Set<UpstreamSession>()
  private readonly waiting: WaitingCalls
  private closing: { done: Promise<void>; finish: () => void } | undefined

  constructor(origin: string, connect: Connector, settings: ProxySettings) {
    this.origin = origin
    this.connect = connect
    this.settings = settings
    this.waiting = new WaitingCalls(settings)
  }

  dispatch(call: Call): void {
    const session = this.waiting.size === 0 ? this.available(call) : undefined
    if (session) session.take(call)
    else this.waiting.add(call)
  }

  get isClosed(): boolean {
    return this.closing !== undefined
  }

  get isEmpty(): boolean {
    return this.all.size === 0 && this.waiting.size === 0
  }

  close(): Promise<void> {
    this.closing ??= closing()
    this.waiting.close()
    for (const session of this.all) session.drain()
    if (this.all.size === 0) this.closing.finish()
    return this.closing.done
  }

  /** @internal */
  hasRoom(): void {
    this.waiting.serve(
      (call) => this.available(call),
      (call, session) => session.take(call),
    )
  }

  /** @internal */
  gone(session: UpstreamSession): void {
    this.all.delete(session)
    this.hasRoom()
    if (this.all.size === 0) this.closing?.finish()
  }

  private available(call: Call): UpstreamSession | undefined {
    if (!call.needsFresh) for (const session of this.all) if (session.isOpen) return session
    return this.opened() ?? [...this.all].find(({ isOpen }) => isOpen)
  }

  private opened(): UpstreamSession | undefined {
    if (this.all.size >= this.settings.connections || this.closing) return undefined
    const session = new UpstreamSession(this.origin, this.connect, this.settings, this)
    this.all.add(session)
    return session
  }
}
