import { GatewayError, type Target } from '@gatelet/core'
import { WebSocket } from 'ws'
import { type Frame, frameOf } from '../frame.ts'
import { heartbeat } from '../front/heartbeat.ts'
import { closeSocket, dial } from '../upstream/dial.ts'
import { ConnectionLost, type PendingCall } from './pending-call.ts'
import type { CallSettings } from './settings.ts'

/** Who hears what a connection brings. */
export interface ConnectionListener {
  opened(): void
  /** A message that answers none of the calls of this connection, or cannot be read. */
  stray(frame: Frame, why: 'late' | 'push' | 'unreadable'): void
  /** Once. `error`: why it could not be opened; undefined when it was open. */
  closed(error: GatewayError | undefined): void
}

/** One WebSocket to an endpoint, and the calls that wait on it. */
export class CallConnection {
  isOpen = false
  private readonly socket: WebSocket
  private readonly settings: CallSettings
  private readonly listener: ConnectionListener
  private readonly calls = new Map<string, PendingCall>()
  private readonly holding = new Set<PendingCall>()
  private wasOpen = false
  private failure: GatewayError | undefined
  private stopHeart = () => {}

  constructor(target: Target, settings: CallSettings, listener: ConnectionListener) {
    const { socket, opened } = dial({ ...settings, target })
    this.socket = socket
    this.settings = settings
    this.listener = listener
    opened.then(
      () => this.opened(),
      (error: GatewayError) => {
        this.failure = error
      },
    )
    socket.on('message', (data, isBinary) => this.heard(frameOf(data, isBinary)))
    socket.once('close', () => void opened.catch(() => {}).then(() => this.closed()))
  }

  get pending(): number {
    return this.calls.size
  }

  /** @throws GatewayError `QUEUE_FULL`, `OVERLOADED` when it takes no more now */
  checkRoom(): void {
    if (this.calls.size >= this.settings.maxPending) throw new GatewayError('QUEUE_FULL', soon)
    if (this.socket.bufferedAmount > this.settings.maxBufferedBytes) throw new GatewayError('OVERLOADED', soon)
  }

  /** Sends a call; whatever becomes of it, the call is told. */
  ask(call: PendingCall, frame: Frame): void {
    this.calls.set(call.id, call)
    try {
      this.socket.send(frame, (error) => {
        if (error) call.fail(new ConnectionLost(error))
        else call.sent()
      })
    } catch (error) {
      // What the codec gave is no message.
      call.fail(error as Error)
    }
  }

  send(frame: Frame): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame, () => {})
  }

  forget(call: PendingCall): void {
    this.calls.delete(call.id)
  }

  /** Reads no more until `resume` is called for each call that it was paused for. */
  pause(call: PendingCall): void {
    this.holding.add(call)
    this.socket.pause()
  }

  resume(call: PendingCall): void {
    if (this.holding.delete(call) && this.holding.size === 0) this.socket.resume()
  }

  /** @param why what the calls that wait are told */
  close(why: GatewayError): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.socket.readyState === WebSocket.CLOSED) resolve()
      else this.socket.once('close', () => resolve())
    })
    this.failAll(why)
    closeSocket(this.socket, this.settings.clock)
    return closed
  }

  private opened(): void {
    if (this.socket.readyState !== WebSocket.OPEN) return
    this.isOpen = this.wasOpen = true
    this.stopHeart = heartbeat(this.socket, this.settings.clock, this.settings.heartbeatMs)
    this.listener.opened()
  }

  private heard(frame: Frame): void {
    const found = this.matched(frame)
    if (found === 'push' || found === 'unreadable') {
      this.listener.stray(frame, found)
      return
    }
    const call = this.calls.get(found.id)
    if (call) call.receive(frame, found.more)
    else this.listener.stray(frame, 'late')
  }

  private matched(frame: Frame): { id: string; more: boolean } | 'push' | 'unreadable' {
    try {
      const match = this.settings.codec.match(frame)
      if (match === undefined) return 'push'
      return typeof match === 'string' ? { id: match, more: false } : match
    } catch {
      return 'unreadable'
    }
  }

  private closed(): void {
    this.isOpen = false
    this.stopHeart()
    this.failAll(new ConnectionLost())
    this.listener.closed(this.wasOpen ? undefined : (this.failure ?? new GatewayError('UPSTREAM_CONNECT_FAILED')))
  }

  private failAll(error: GatewayError): void {
    for (const call of [...this.calls.values()]) call.fail(error)
  }
}

const soon = { headers: { 'retry-after': '1' } }
