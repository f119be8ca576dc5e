import type { EventEmitter } from 'node:events'
import { type IncomingMessage, ServerResponse } from 'node:http'
import { type BodyBytes, type HeaderList, publish } from '@gatelet/core'
import type { Adapter } from './adapter.ts'
import type { Upgrade } from './base-exchange.ts'
import type { Connection } from './connection.ts'
import { HttpExchange } from './exchange.ts'
import { lingerAtClose } from './lingering-close.ts'

/**
 * A WebSocket handshake on its way through the layers, on a socket that Node's parser has let go. A reply with `upgrade` gets
 * the socket, and the exchange ends when that closes; any other reply is written to the socket, which is then closed.
 *
 * A handler learns by `onAbort` that the client left before it answered, and by `onFinish` that its reply was not taken:
 * whoever answers with `upgrade` holds what it opened until then.
 */
export class UpgradeExchange extends HttpExchange {
  private head: Buffer
  private isSwitched = false
  private before = { read: 0, written: 0 }

  constructor(adapter: Adapter, connection: Connection, req: IncomingMessage, res: ServerResponse, head: Buffer) {
    super(adapter, connection, req, res, 'upgrade')
    this.head = head
    const { socket } = connection
    // Node listens no longer, and an unheard 'error' ends the process. What it means is told by 'close'.
    socket.on('error', heard)
    // Nobody ends its side in the middle of a handshake: the client has left.
    socket.on('end', this.onEarlyEnd)
  }

  override get mustClose(): boolean {
    return true
  }

  override closes(): void {
    lingerAtClose(this.connection.socket, this.adapter.clock)
  }

  override get drainEmitter(): EventEmitter {
    return this.connection.socket
  }

  override clientLeft(): void {
    if (this.isSwitched && !this.core.isOver) this.over('finished', 101)
    else super.clientLeft()
  }

  override flushed(): void {
    const { socket } = this.connection
    super.flushed()
    this.res.detachSocket(socket)
    socket.destroySoon()
  }

  // Only a reply in the place of the 101 needs Node's framing.
  protected override claimSocket(): void {
    if (!this.res.socket) this.res.assignSocket(this.connection.socket)
  }

  protected override destroy(): void {
    this.connection.socket.destroy()
  }

  protected override switchOver(upgrade: Upgrade, headers: HeaderList): void {
    const { socket } = this.connection
    if (socket.destroyed) return
    socket.off('end', this.onEarlyEnd)
    const { head } = this
    this.isSwitched = true
    // It may live for days: what is not needed any more is let go.
    this.res = spent
    this.head = noBytes
    this.request.letGo()
    const { bytesRead } = socket
    try {
      upgrade(socket, head, headers)
      // Without the head of the 101, which has been written by now.
      this.before = { read: bytesRead - head.byteLength, written: socket.bytesWritten }
      publish('request:upgraded', { context: this.context })
    } catch (error) {
      // Told, but not to the client: nobody knows what it has seen of the handshake by now.
      publish('request:failed', { context: this.context, error })
      this.isSwitched = false
      this.breakOff(error)
    }
  }

  protected override get bytes(): BodyBytes {
    if (!this.isSwitched) return super.bytes
    const { bytesRead, bytesWritten } = this.connection.socket
    return { receivedBytes: bytesRead - this.before.read, sentBytes: bytesWritten - this.before.written }
  }

  private readonly onEarlyEnd = (): void => {
    this.connection.socket.destroy()
  }
}

const noBytes = Buffer.alloc(0)

// In the place of the response: 1.5 KiB less for each connection.
const spent = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage)

function heard(): void {}
