import type { Socket } from 'node:net'
import { breakOff } from './break-off.ts'
import { parseResponses, type RawResponse } from './raw-response.ts'
import { Watch } from './watch.ts'

/** How the other side left: it closed properly (FIN), the connection broke off (RST), or it is still there. */
export type Closed = 'end' | 'reset' | 'open'

/** One end of a TCP connection, byte for byte. Text is latin1: one character, one byte. */
export interface RawSocket {
  /** Sends these bytes as they are. Does nothing when the connection is gone. */
  write(data: string | Uint8Array): void
  /**
   * Waits for the next piece, and takes it off what the next `read` sees.
   * @param until how it ends: text, a pattern, or a number of bytes
   * @param withinMs real milliseconds, default 5000
   * @returns the piece with its end
   * @throws Error that tells what came instead, when the time is over or the connection closes first
   */
  read(until: string | RegExp | number, withinMs?: number): Promise<string>
  /** Waits for the next final HTTP response, whole, and takes it off like `read`. @param toHead to a HEAD: it has no body */
  response(toHead?: boolean): Promise<RawResponse>
  /** Everything that came, at most 64 MiB; beyond that the connection is reset. */
  readonly received: Buffer
  readonly receivedBytes: number
  /** How the other side left so far. An RST that comes in one with bytes is an `end` to Node. */
  readonly closed: Closed
  /** Waits until the other side has left. @param withinMs real milliseconds, default 5000 */
  left(withinMs?: number): Promise<Exclude<Closed, 'open'>>
  /** Says that nothing more comes (FIN). What the other side sends is still received. */
  end(): void
  /** Breaks the connection off (RST), some milliseconds after the last bytes, which the other side can still read. */
  reset(): Promise<void>
  /** Stops receiving, so that the other side meets back-pressure. */
  pause(): void
  resume(): void
}

const MAX_BYTES = 67_108_864

const WITHIN_MS = 5000

/** Wraps a connected socket that was made with `allowHalfOpen`. */
export class RawConnection implements RawSocket {
  readonly #socket: Socket
  readonly #watch: Watch
  #buffer: Buffer = Buffer.alloc(0)
  receivedBytes = 0
  #at = 0
  #closed: Closed = 'open'

  constructor(socket: Socket, watch: Watch = new Watch()) {
    this.#socket = socket
    this.#watch = watch
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('end', () => this.#close('end'))
    // Without an 'end' before it, the other side did not close properly.
    socket.on('close', () => this.#close('reset'))
  }

  get received(): Buffer {
    return this.#buffer.subarray(0, this.receivedBytes)
  }

  get closed(): Closed {
    return this.#closed
  }

  write(data: string | Uint8Array): void {
    if (!this.#socket.writable) return
    if (typeof data === 'string') this.#socket.write(data, 'latin1')
    else this.#socket.write(data)
  }

  async read(until: string | RegExp | number, withinMs: number = WITHIN_MS): Promise<string> {
    let end = -1
    const isHere = () => {
      end = endOf(until, this.received.subarray(this.#at))
      return end >= 0 || this.#closed !== 'open'
    }
    const missing = () => `no ${shown(until)} came${this.#instead()}`
    await this.#watch.until(isHere, withinMs, missing)
    if (end < 0) throw new Error(missing())
    return this.#taken(end).toString('latin1')
  }

  async response(toHead = false): Promise<RawResponse> {
    let found: RawResponse | undefined
    const isHere = () => {
      const rest = this.received.subarray(this.#at)
      found = parseResponses(rest, { isClosed: this.#closed !== 'open', toHead }).find(isFinal)
      return found?.complete === true || this.#closed !== 'open'
    }
    const missing = () => `no whole response came${this.#instead()}`
    await this.#watch.until(isHere, WITHIN_MS, missing)
    if (!found) throw new Error(missing())
    this.#at += found.end
    return found
  }

  async left(withinMs: number = WITHIN_MS): Promise<Exclude<Closed, 'open'>> {
    await this.#watch.until(
      () => this.#closed !== 'open',
      withinMs,
      () => `the other side has not left after ${withinMs} ms`,
    )
    return this.#closed as Exclude<Closed, 'open'>
  }

  /** Waits for a state of this connection. */
  until(condition: () => boolean, withinMs: number): Promise<void> {
    return this.#watch.until(condition, withinMs, () => `it has not come to that${this.#instead()}`)
  }

  end(): void {
    this.#socket.end()
  }

  reset(): Promise<void> {
    return breakOff(this.#socket)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Leaves for good. */
  destroy(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const size = this.receivedBytes + chunk.byteLength
    // Twice as much each time it is full, so that who looks at every chunk does not copy all for each.
    if (size > this.#buffer.byteLength) this.#buffer = Buffer.concat([this.received], size * 2)
    chunk.copy(this.#buffer, this.receivedBytes)
    this.receivedBytes = size
    if (this.receivedBytes > MAX_BYTES) this.#socket.resetAndDestroy()
    this.#watch.changed()
  }

  #taken(bytes: number): Buffer {
    const piece = this.received.subarray(this.#at, this.#at + bytes)
    this.#at += bytes
    return piece
  }

  #close(how: Exclude<Closed, 'open'>): void {
    if (this.#closed === 'open') this.#closed = how
    this.#watch.changed()
  }

  #instead(): string {
    const rest = this.received.subarray(this.#at).toString('latin1')
    const state = this.#closed === 'open' ? '' : ` before the connection closed (${this.#closed})`
    return `${state}; instead: ${rest === '' ? 'nothing' : JSON.stringify(rest.slice(0, 500))}`
  }
}

const isFinal = ({ status }: RawResponse) => status >= 200 || status === 101

function endOf(until: string | RegExp | number, bytes: Buffer): number {
  if (typeof until === 'number') return bytes.byteLength >= until ? until : -1
  if (typeof until === 'string') {
    const at = bytes.indexOf(until, 0, 'latin1')
    return at < 0 ? -1 : at + until.length
  }
  const match = new RegExp(until.source, until.flags.replace(/[gy]/g, '')).exec(bytes.toString('latin1'))
  return match ? match.index + match[0].length : -1
}

const shown = (until: string | RegExp | number) => (typeof until === 'number' ? `${until} bytes` : JSON.stringify(String(until)))
