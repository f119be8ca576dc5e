import { type Check, canonicalizePath, GatewayError, options } from '@gatelet/core'
import type { Matcher } from './match/matcher.ts'

/** One parameter. */
export interface Param {
  readonly name: string
  /** Which segment it is. */
  readonly at: number
  /** How many characters stand before it, slashes and all, from the parameter before it on or from the beginning. */
  readonly before: number
  /** What its value must be, so that the pattern matches at all. Left out: any segment that is not empty. */
  readonly constraint?: Matcher
}

/** A path pattern, taken apart once. */
export interface Pattern {
  /** As it was written. */
  readonly text: string
  /** Each segment before the rest: its canonical text, or null for a parameter. */
  readonly segments: readonly (string | null)[]
  readonly params: readonly Param[]
  /** How many characters of segments without parameters stand behind the last parameter. */
  readonly after: number
  /** Whether it ends in a rest, and so matches whatever follows. */
  readonly isPrefix: boolean
  /** The name of the rest, if it has one. */
  readonly rest: string | undefined
}

/**
 * Reads a path pattern such as `/teams/:team/files/*rest`.
 * - A static segment matches its canonical form: `/café` and `/caf%c3%a9` are one.
 * - `:name` matches one whole segment that is not empty.
 * - `*name`, or `*` when nobody reads it, is the last segment and matches whatever follows, also nothing:
 *   `/files/*rest` matches `/files`, `/files/` and `/files/a/b`, but not `/filesystem`.
 */
export const pattern: Check<Pattern> = (value, path) => {
  const refused = (expected: string) => options.wrong(value, path, expected)
  if (typeof value !== 'string' || !value.startsWith('/')) throw refused('a path that starts with a slash')
  const written = value.slice(1).split('/')
  const last = written.at(-1)
  const isPrefix = last?.startsWith('*') === true
  const fixed = isPrefix ? written.slice(0, -1) : written
  if (fixed.some((segment, at) => segment === '' && (isPrefix || at < fixed.length - 1))) throw refused('a path without //')
  const segments = fixed.map((segment) => (segment.startsWith(':') ? null : staticSegment(segment, refused)))
  const rest = isPrefix && last !== '*' ? ownCopy(last.slice(1)) : undefined
  const params: Param[] = []
  let after = 0
  for (const [at, segment] of segments.entries()) {
    if (segment !== null) {
      after += 1 + segment.length
      continue
    }
    params.push({ name: ownCopy((fixed[at] as string).slice(1)), at, before: after + 1 })
    after = 0
  }
  checkNames([...params.map(({ name }) => name), ...(rest === undefined ? [] : [rest])], refused)
  return { text: value, segments, params, after, isPrefix, rest }
}

/** The pattern of everything at and below a path: `/v1` and `/v1/` become `/v1/*`; one with a rest stays. */
export function below(path: string): string {
  if (typeof path !== 'string' || !path.startsWith('/')) return path // for `pattern` to refuse
  if (path.slice(path.lastIndexOf('/') + 1).startsWith('*')) return path
  return path.endsWith('/') ? `${path}*` : `${path}/*`
}

/**
 * The same text, but the engine's own copy: a string that was cut out of another one costs 450 ns whenever it becomes a key, and
 * is slower to read.
 */
export function ownCopy(text: string): string {
  return Object.keys({ [text]: true })[0] as string
}

type Refused = (expected: string) => GatewayError

const letPass = { doubleSlash: true, encodedSlash: true, encodedBackslash: true }

function staticSegment(segment: string, refused: Refused): string {
  // Each is a mark of other routers. Here they would be text that no request has: better to say so now.
  if (/[*{}]/.test(segment)) throw refused('a path whose parameters are whole segments, as /:name, and whose last may be /*rest')
  if (segment === '') return ''
  const canonical = canonicalSegment(segment)
  if (!canonical) throw refused('a path without dot segments, ?, #, \\, control characters and % that encodes nothing')
  return canonical
}

function canonicalSegment(segment: string): string | undefined {
  try {
    return canonicalizePath(`/${segment.replace(/[^\x21-\x7e]+/g, encodeURIComponent)}`, letPass).slice(1)
  } catch (error) {
    if (error instanceof GatewayError || error instanceof URIError) return undefined
    throw error
  }
}

function checkNames(names: readonly string[], refused: Refused): void {
  for (const name of names) {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw refused('a path whose parameters have names of letters, digits and _')
    if (name === '__proto__') throw refused('a path without a parameter of this name')
  }
  if (new Set(names).size < names.length) throw refused('a path whose parameters have different names')
}
