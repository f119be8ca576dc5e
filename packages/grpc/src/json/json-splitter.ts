import { GatheredBytes } from '@gatelet/core'
import { CallError } from './call-error.ts'

const [newline, quote, backslash, comma] = [0x0a, 0x22, 0x5c, 0x2c]
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b])
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d])
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline

/** Cuts a stream of bytes into texts of JSON, one a message. Holds one message at most. */
export interface JsonSplitter {
  /** @throws CallError for a message that is too long, and for what is no such stream */
  push(chunk: Uint8Array, each: (json: string) => void): void
  /** Nothing more comes. @throws CallError where something is missing */
  end(each: (json: string) => void): void
}

/** A value a line: `application/x-ndjson`. Empty lines are none. */
export class LineSplitter implements JsonSplitter {
  private readonly held: HeldText

  constructor(maxBytes: number) {
    this.held = new HeldText(maxBytes)
  }

  push(chunk: Uint8Array, each: (json: string) => void): void {
    let from = 0
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      this.held.add(chunk.subarray(from, at))
      this.held.flush(each)
      from = at + 1
    }
    this.held.add(chunk.subarray(from))
  }

  end(each: (json: string) => void): void {
    this.held.flush(each)
  }
}

/** The elements of one array, or a single value: `application/json`. */
export class ArraySplitter implements JsonSplitter {
  private readonly held: HeldText
  private state: 'before' | 'value' | 'element' | 'after' = 'before'
  private depth = 0
  private isText = false
  private isEscaped = false
  private count = 0

  constructor(maxBytes: number) {
    this.held = new HeldText(maxBytes)
  }

  push(chunk: Uint8Array, each: (json: string) => void): void {
    let from = 0
    for (let at = 0; at < chunk.byteLength; at++) {
      const byte = chunk[at] as number
      if (this.state === 'before' || this.state === 'after') {
        from = this.outside(byte) ? at + 1 : at
      } else if (this.isEnd(byte)) {
        this.held.add(chunk.subarray(from, at))
        from = at + 1
        this.element(byte === comma, each)
      }
    }
    if (this.state === 'element' || this.state === 'value') this.held.add(chunk.subarray(from))
  }

  end(each: (json: string) => void): void {
    if (this.state === 'element') throw new CallError('INVALID_ARGUMENT', 'the array of the body has no end')
    this.held.flush(each)
  }

  /** A byte before the array or behind it. @returns whether it is none of a value */
  private outside(byte: number): boolean {
    if (isSpace(byte)) return true
    if (this.state === 'after') throw new CallError('INVALID_ARGUMENT', 'something stands behind the array of the body')
    this.state = byte === 0x5b ? 'element' : 'value'
    if (this.state === 'value') this.follow(byte)
    return this.state === 'element'
  }

  /** Whether an element ends here: at a comma, or at the end of the array. */
  private isEnd(byte: number): boolean {
    const isOutermost = this.state === 'element' && this.depth === 0 && !this.isText
    if (isOutermost && (byte === comma || byte === 0x5d)) return true
    this.follow(byte)
    return false
  }

  private follow(byte: number): void {
    if (this.isText) {
      if (this.isEscaped) this.isEscaped = false
      else if (byte === backslash) this.isEscaped = true
      else if (byte === quote) this.isText = false
    } else if (byte === quote) this.isText = true
    else if (opening.has(byte)) this.depth++
    else if (closing.has(byte)) this.depth--
  }

  private element(isMore: boolean, each: (json: string) => void): void {
    const wasEmpty = !this.held.flush(each)
    // `[]` has none; `[1,]` and `[,1]` are no JSON.
    if (wasEmpty && (isMore || this.count > 0))
      throw new CallError('INVALID_ARGUMENT', 'the array of the body has an empty place')
    this.count++
    if (!isMore) this.state = 'after'
  }
}

class HeldText {
  private readonly maxBytes: number
  private readonly bytes = new GatheredBytes()

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  add(part: Uint8Array): void {
    if (part.byteLength === 0) return
    if (this.bytes.size + part.byteLength > this.maxBytes)
      throw new CallError('RESOURCE_EXHAUSTED', `a message may have ${this.maxBytes} bytes`)
    this.bytes.add(part)
  }

  /** @returns whether there was anything but space */
  flush(each: (json: string) => void): boolean {
    const text = decode(this.bytes.take()).trim()
    if (text !== '') each(text)
    return text !== ''
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new CallError('INVALID_ARGUMENT', 'the body is not UTF-8')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
