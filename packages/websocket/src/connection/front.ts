import { atDrain, type Context, HeaderList, type Reply } from '@gatelet/core'
import { accept, checkHandshake } from '../translate/front/handshake.ts'
import { OpenConnection, tooMany } from './connection.ts'
import type { ConnectionSettings } from './settings.ts'

/** What is told to a client whose handshake is taken. */
export interface Acceptance {
  readonly id: string
  readonly headers?: HeaderList
  /** In place of the settings'. */
  readonly protocols?: readonly string[]
}

/** The place where clients' WebSockets come in. */
export class Front {
  private readonly settings: ConnectionSettings
  private open = 0

  constructor(settings: ConnectionSettings) {
    this.settings = settings
  }

  /**
   * Looks at a handshake, and keeps a place for it as long as its socket lasts.
   * @throws GatewayError `UPGRADE_REFUSED`, `UPGRADE_REQUIRED`, `ORIGIN_DENIED`, `OVERLOADED`
   */
  admit(ctx: Context): void {
    const { origins, maxConnections } = this.settings
    checkHandshake(ctx, origins)
    if (this.open >= maxConnections) throw tooMany()
    this.open++
    ctx.onFinish(() => void this.open--)
  }

  /** The reply that makes a connection of an admitted handshake. @param take gets it when it is open */
  accept<S extends object>(ctx: Context<S>, acceptance: Acceptance, take: (connection: OpenConnection<S>) => void): Reply {
    const { settings } = this
    const { id, headers = new HeaderList(), protocols = settings.protocols } = acceptance
    const reply: Reply = { status: 101, headers, body: null }
    const taken = accept(ctx as Context, { ...settings, protocols }, (socket) => {
      const connection = new OpenConnection(socket, ctx, id, settings)
      // All clients come back: 1012 tells them so.
      const stay = atDrain(ctx as Context, settings.clock, () => connection.close(1012))
      socket.once('close', stay)
      take(connection)
    })
    return Object.assign(reply, taken)
  }
}
