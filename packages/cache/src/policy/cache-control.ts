import { isToken } from '@gatelet/core'
import { isNeeded } from './needed-fields.ts'

/** Directives by their names in lower case; true for one without a value, an empty text for a value that is malformed. */
export type Directives = ReadonlyMap<string, string | true>

/**
 * Reads `Cache-Control` (RFC 9111 §5.2), all lines of it. Of a directive that is there twice the first holds (§4.2.1), but
 * `no-cache` and `private` hold in their widest form. A quote that never ends hides nothing.
 */
export function parseCacheControl(lines: readonly string[]): Directives {
  const found = new Map<string, string | true>()
  for (const line of lines) for (const member of membersOf(line)) add(found, member)
  return found
}

/**
 * Seconds of a directive: digits only. What does not fit in 31 bits is 2^31 (RFC 9111 §1.2.2); undefined when absent or no
 * number at all.
 */
export function deltaSeconds(value: string | true | undefined): number | undefined {
  return typeof value === 'string' && /^[0-9]+$/.test(value) ? Math.min(Number(value), 2 ** 31) : undefined
}

/**
 * The field names, lower case, that a qualified `no-cache` lists (RFC 9111 §5.2.2.4): all but they may be reused. Undefined
 * when it holds for the whole: it lists nothing, what is no name, or a field that is needed.
 * @param targets names of targeted fields
 */
export function listedFields(value: string | true | undefined, targets: readonly string[]): readonly string[] | undefined {
  if (typeof value !== 'string') return undefined
  const names = value.split(',').map((name) => name.trim().toLowerCase())
  return names.every((name) => isToken(name) && !isNeeded(name, targets)) ? names : undefined
}

function add(found: Map<string, string | true>, member: string): void {
  const equals = member.indexOf('=')
  const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase()
  if (name === '') return
  const value = equals < 0 ? true : valueIn(member, equals)
  const before = found.get(name)
  if (before === undefined) found.set(name, value)
  else if (name === 'no-cache' || name === 'private') found.set(name, wider(before, value))
}

function wider(a: string | true, b: string | true): string | true {
  return a === true || b === true ? true : `${a},${b}`
}

// No space may stand beside the sign (§5.2): some caches read such a value, some do not, so nobody can have meant it.
function valueIn(member: string, equals: number): string {
  const value = member.slice(equals + 1)
  if (/\s$/.test(member.slice(0, equals)) || /^\s/.test(value)) return ''
  if (!value.startsWith('"')) return value
  return value.length > 1 && value.endsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : ''
}

/** The members of a list, split at commas outside of quoted strings. */
function membersOf(line: string): string[] {
  const members: string[] = []
  let start = 0
  // Where a quote never ends, no later one does: each is a character like others, and is not looked for again.
  let lastQuote = line.length
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"' && at < lastQuote) {
      const end = endOfQuoted(line, at)
      if (end === undefined) lastQuote = at
      else at = end
    } else if (line[at] === ',') {
      members.push(line.slice(start, at).trim())
      start = at + 1
    }
  }
  members.push(line.slice(start).trim())
  return members.filter((member) => member !== '')
}

function endOfQuoted(line: string, from: number): number | undefined {
  for (let at = from + 1; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '"') return at
  }
  return undefined
}
