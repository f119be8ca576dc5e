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
    if (!isUnambiguous(text)) return undefined
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

/** Looks for members that stand twice in one object. Goes through once. For text that is no JSON it may say anything. */
function isUnambiguous(text: string): boolean {
  // For each object that is open its names; undefined for a list.
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      if (open.length >= MAX_DEPTH) return false
      open.push(char === '{' ? new Set() : undefined)
      isName = char === '{'
    } else if (char === '}' || char === ']') {
      open.pop()
    } else if (char === ',') {
      isName = open.at(-1) !== undefined
    } else if (char === '"') {
      const end = endOfString(text, at)
      if (isName && !isFresh(open.at(-1), text.slice(at, end))) return false
      isName = false
      at = end - 1
    }
  }
  return true
}

function isFresh(names: Set<string> | undefined, written: string): boolean {
  if (!names) return true
  // "a" and "\u0061" are one name.
  const name = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1)
  if (names.has(name)) return false
  names.add(name)
  return true
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
