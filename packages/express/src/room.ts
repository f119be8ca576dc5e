import { EventEmitter } from 'node:events'
import type { Listener } from './intercept.ts'
import type { Callback } from './written.ts'

/** Those who wait until a held response has room for more: by the call-backs of their writes, or by 'drain'. */
export class Room {
  private callbacks: Callback[] = []
  private readonly listeners: EventEmitter = new EventEmitter()
  private isFull = false

  /** A write has found none. @param callback whoever writes at the pace of its call-backs waits as well */
  await(callback: Callback | undefined): void {
    this.isFull = true
    if (callback) this.callbacks.push(callback)
  }

  /** Listens for 'drain'. */
  on(listener: Listener): void {
    this.listeners.on('drain', listener)
  }

  off(listener: Listener): void {
    this.listeners.off('drain', listener)
  }

  /** There is some again. */
  made(): void {
    const { callbacks } = this
    this.callbacks = []
    for (const callback of callbacks) process.nextTick(callback)
    if (!this.isFull) return
    this.isFull = false
    // Not at once: the handler may not have returned yet from the write that found no room.
    process.nextTick(() => this.listeners.emit('drain'))
  }
}
