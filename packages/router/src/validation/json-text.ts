import type { GatewayError } from '@gatelet/core'
import { unreadable } from './fields.ts'

// Deeper than people write, and far from what would overflow the stack of a schema library.
const MAX_DEPTH = 100

/**
 * Reads JSON (RFC 8259) so that everybody behind who reads the same bytes sees the same value: a name that comes twice in an
 * object, of which some readers take the first and some the last, is refused, and so is `__proto__`.
 * @throws GatewayError `MALFORMED_BODY` with the position (in UTF-16 units, from 0) and what would be right there; nothing of the text
 */
export function parsedJson(text: string): unknown {
  new Scanner(text).document()
  return JSON.parse(text)
}

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const escaped = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/** Looks at the syntax only: building values is for the engine, which is faster. */
class Scanner {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  document(): void {
    this.value(0)
    if (this.at < this.text.length) throw this.expected('the end')
  }

  private value(depth: number): void {
    this.space()
    const first = this.text[this.at]
    if (first === '{') this.object(depth + 1)
    else if (first === '[') this.list(depth + 1)
    else if (first === '"') this.string()
    else this.scalar()
    this.space()
  }

  private object(depth: number): void {
    this.enter(depth)
    const names = new Set<string>()
    if (this.took('}')) return
    do {
      this.space()
      const start = this.at
      if (this.text[start] !== '"') throw this.expected('a name in double quotes')
      this.string()
      this.unique(names, start)
      this.space()
      if (!this.took(':')) throw this.expected('a colon')
      this.value(depth)
    } while (this.took(','))
    if (!this.took('}')) throw this.expected('a comma or }')
  }

  private unique(names: Set<string>, start: number): void {
    const written = this.text.slice(start, this.at)
    const name: string = written.includes('\\') ? JSON.parse(written) : written.slice(1, -1)
    if (name === '__proto__') throw unreadable(`must not have the name __proto__ (at position ${start})`)
    if (names.has(name)) throw unreadable(`must not have a name twice in one object (at position ${start})`)
    names.add(name)
  }

  private list(depth: number): void {
    this.enter(depth)
    if (this.took(']')) return
    do this.value(depth)
    while (this.took(','))
    if (!this.took(']')) throw this.expected('a comma or ]')
  }

  private enter(depth: number): void {
    if (depth > MAX_DEPTH) throw unreadable(`must not be nested deeper than ${MAX_DEPTH} (at position ${this.at})`)
    this.at++
    this.space()
  }

  private string(): void {
    this.at++
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code === 0x22) break
      if (code === 0x5c) this.escape()
      else if (code >= 0x20) this.at++
      else throw this.expected(code < 0x20 ? 'no control character' : 'a double quote') // NaN: the text is over
    }
    this.at++
  }

  private escape(): void {
    escaped.lastIndex = this.at
    if (!escaped.test(this.text)) throw this.expected('an escape that JSON has')
    this.at = escaped.lastIndex
  }

  private scalar(): void {
    scalar.lastIndex = this.at
    if (!scalar.test(this.text)) throw this.expected('a value')
    this.at = scalar.lastIndex
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.at++
    }
  }

  private took(char: string): boolean {
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  private expected(what: string): GatewayError {
    return unreadable(`must be JSON; at position ${this.at}, ${what} is expected`)
  }
}
