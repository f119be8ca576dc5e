import { GatewayError } from './errors.ts'
import { isToken } from './token.ts'

/** Header fields that can be looked at. `clone()` makes a list that can be changed. */
export interface ReadonlyHeaders extends Iterable<readonly [name: string, value: string]> {
  /** The value, several joined by `, ` (`cookie`: by `; `), or undefined. Use `getSetCookie` for `set-cookie`. */
  get(name: string): string | undefined
  /** Every value of the name, one per field line. */
  getAll(name: string): string[]
  /** Every `set-cookie` value; they must never be joined. */
  getSetCookie(): string[]
  has(name: string): boolean
  /** A copy that can be changed without touching this one. */
  clone(): HeaderList
  /** The flat list `[name, value, name, value, …]`, names as they came. Do not change it. */
  readonly raw: readonly string[]
}

/**
 * Header fields over Node's flat list: order, duplicates and the spelling of names stay as they came, look-ups ignore
 * case. Method names are those of the web's `Headers`; the class is not, because that one costs 2.5 µs per request.
 */
export class HeaderList implements ReadonlyHeaders {
  #raw: string[]

  /** @throws GatewayError `BAD_HEADER` for a name or value that HTTP does not allow */
  constructor(init?: Iterable<readonly [string, string]> | Readonly<Record<string, string>>) {
    this.#raw = []
    if (init === undefined) return
    for (const [name, value] of isIterable(init) ? init : Object.entries(init)) this.append(name, value)
  }

  /** Wraps a flat list without checking or copying it. For lists that a parser has already checked. */
  static fromRaw(raw: string[]): HeaderList {
    const list = new HeaderList()
    list.#raw = raw
    return list
  }

  get raw(): readonly string[] {
    return this.#raw
  }

  get(name: string): string | undefined {
    const raw = this.#raw
    const wanted = name.toLowerCase()
    let found: string | undefined
    for (let i = 0; i < raw.length; i += 2) {
      if (!isNamed(raw[i] as string, wanted)) continue
      if (found === undefined) found = raw[i + 1] as string
      else found += (wanted === 'cookie' ? '; ' : ', ') + raw[i + 1]
    }
    return found
  }

  getAll(name: string): string[] {
    const raw = this.#raw
    const wanted = name.toLowerCase()
    const values: string[] = []
    for (let i = 0; i < raw.length; i += 2) if (isNamed(raw[i] as string, wanted)) values.push(raw[i + 1] as string)
    return values
  }

  getSetCookie(): string[] {
    return this.getAll('set-cookie')
  }

  has(name: string): boolean {
    const raw = this.#raw
    const wanted = name.toLowerCase()
    for (let i = 0; i < raw.length; i += 2) if (isNamed(raw[i] as string, wanted)) return true
    return false
  }

  /** Replaces every field of that name by one. @throws GatewayError `BAD_HEADER` */
  set(name: string, value: string): this {
    checkField(name, value)
    const raw = this.#raw
    const wanted = name.toLowerCase()
    for (let i = 0; i < raw.length; i += 2) {
      if (!isNamed(raw[i] as string, wanted)) continue
      raw[i + 1] = value
      removeNamed(raw, wanted, i + 2)
      return this
    }
    raw.push(name, value)
    return this
  }

  /** Adds a field and keeps those that are there. @throws GatewayError `BAD_HEADER` */
  append(name: string, value: string): this {
    checkField(name, value)
    this.#raw.push(name, value)
    return this
  }

  /** @returns whether a field of that name was there */
  delete(name: string): boolean {
    return removeNamed(this.#raw, name.toLowerCase(), 0)
  }

  clone(): HeaderList {
    return HeaderList.fromRaw(this.#raw.slice())
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let i = 0; i < this.#raw.length; i += 2) yield [this.#raw[i] as string, this.#raw[i + 1] as string]
  }
}

/** Whether `name` is `lowerCase` in any spelling. The length test keeps `toLowerCase` off the hot path. */
export function isNamed(name: string, lowerCase: string): boolean {
  return name.length === lowerCase.length && (name === lowerCase || name.toLowerCase() === lowerCase)
}

// What Node itself refuses to write: control bytes (CR, LF and NUL among them) and characters that are not one byte.
const badValue = /[^\t\x20-\x7e\x80-\xff]/

function checkField(name: string, value: string): void {
  if (typeof name !== 'string' || !isToken(name)) throw bad(`${JSON.stringify(name)} is not a header name`)
  if (typeof value !== 'string') throw bad(`the value of header ${name} must be a string, not ${typeof value}`)
  if (badValue.test(value)) throw bad(`the value of header ${name} has a character that HTTP does not allow`)
}

const bad = (message: string) => new GatewayError('BAD_HEADER', { message })

function removeNamed(raw: string[], lowerCase: string, from: number): boolean {
  let kept = from
  for (let i = from; i < raw.length; i += 2) {
    if (isNamed(raw[i] as string, lowerCase)) continue
    raw[kept++] = raw[i] as string
    raw[kept++] = raw[i + 1] as string
  }
  const removed = kept < raw.length
  raw.length = kept
  return removed
}

function isIterable(value: object): value is Iterable<readonly [string, string]> {
  return Symbol.iterator in value
}
