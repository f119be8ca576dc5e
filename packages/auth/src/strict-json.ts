/** An object of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** How deep objects and lists may lie in each other. No claim needs more. */
const MAX_DEPTH = 32

/**
 * Reads a JSON object that can be read in one way only: UTF-8 without faults, no byte order mark, no member twice at any
 * depth (RFC 7515 §4 leaves that to the reader, and two readers that differ are an attack), no deeper than 32.
 * @returns undefined for everything else
 */
export function strictObject(bytes: Uint8Array): Json | undefined {
  try {
    const text = decoder.decode(bytes)
    const value: unknown = JSON.parse(text)
    // Of a member that stands twice JSON.parse keeps one.
    const isRight = isObject(value) && membersOf(value, 1) === membersIn(text)
    return isRight ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** How many members all objects of a value have together; NaN where it is too deep. */
function membersOf(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > MAX_DEPTH) return Number.NaN
  const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let members = values === value ? 0 : values.length
  for (const each of values) members += membersOf(each, depth + 1)
  return members
}

/** How many members are written in a JSON text: each has a colon, outside of strings. */
function membersIn(text: string): number {
  let members = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === COLON) members++
  }
  return members
}

const QUOTE = 34
const COLON = 58
const BACKSLASH = 92

/** Where the quote is that ends a string of a JSON text. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1
  return at
}
