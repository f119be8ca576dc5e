import { randomBytes } from 'node:crypto'
import { newId } from '../connection/connection.ts'
import type { Frame } from '../translate/frame.ts'
import type { ConnectionAnswer, ConnectionBus, ConnectionInfo, ConnectionOrder } from './bus.ts'
import type { Session } from './session.ts'

const NODE_BYTES = 9

/** The connections of an API by their ids, those of other processes too. */
export class Directory {
  private readonly node = randomBytes(NODE_BYTES).toString('base64url')
  private readonly sessions = new Map<string, Session>()
  private readonly bus: ConnectionBus | undefined
  private serving: Promise<() => Promise<void>> | undefined

  constructor(bus: ConnectionBus | undefined) {
    this.bus = bus
  }

  get size(): number {
    return this.sessions.size
  }

  /** An id that leads to this process. */
  newId(): string {
    return `${this.node}.${newId()}`
  }

  add(session: Session): void {
    this.sessions.set(session.id, session)
  }

  remove(session: Session): void {
    this.sessions.delete(session.id)
  }

  /** Can be reached from elsewhere from now on. @throws GatewayError of the bus; the next call tries again */
  async serve(): Promise<void> {
    this.serving ??= this.bus?.serve(this.node, async (order) => this.take(order))
    const { serving } = this
    try {
      await serving
    } catch (error) {
      // Another attempt may be under way by now.
      if (this.serving === serving) this.serving = undefined
      throw error
    }
  }

  /** @throws GatewayError of the bus */
  async post(connectionId: string, message: Frame): Promise<ConnectionAnswer['result']> {
    const isBinary = typeof message !== 'string'
    const data = isBinary ? Buffer.from(message).toString('base64') : message
    return (await this.ask({ do: 'send', connectionId, data, isBinary })).result
  }

  /** @throws GatewayError of the bus */
  async look(connectionId: string): Promise<ConnectionInfo | undefined> {
    return (await this.ask({ do: 'look', connectionId })).about
  }

  /** @returns whether there was such a connection. @throws GatewayError of the bus */
  async disconnect(connectionId: string): Promise<boolean> {
    return (await this.ask({ do: 'close', connectionId })).result === 'done'
  }

  async close(): Promise<void> {
    const { serving } = this
    this.serving = undefined
    await (await serving?.catch(() => undefined))?.()
  }

  private async ask(order: ConnectionOrder): Promise<ConnectionAnswer> {
    const { connectionId } = order
    const node = connectionId.slice(0, Math.max(0, connectionId.indexOf('.')))
    if (node === this.node || !this.bus || !/^[\w-]{12}$/.test(node)) return this.take(order)
    return (await this.bus.ask(node, order)) ?? { result: 'gone' }
  }

  private take({ do: what, connectionId, data = '', isBinary }: ConnectionOrder): ConnectionAnswer {
    const session = this.sessions.get(connectionId)
    if (!session || session.isGone) return { result: 'gone' }
    if (what === 'look') return { result: 'done', about: session.info }
    if (what === 'send') return { result: session.post(isBinary ? Buffer.from(data, 'base64') : data) }
    session.end()
    return { result: 'done' }
  }
}
