import type { ReadonlyHeaders } from '@gatelet/core'

/** Where a span stands in its trace (W3C Trace Context). */
export interface SpanPlace {
  /** 32 hexadecimal digits in lower case, not all of them 0. */
  readonly traceId: string
  /** 16 hexadecimal digits in lower case, not all of them 0. */
  readonly spanId: string
  /** Bit 0: it is recorded. Bit 1: its id was made at random. */
  readonly flags: number
}

const SAMPLED = 1
// Those of the versions that are known: others must not be passed on.
const KNOWN_FLAGS = 3

/** What a request says of its trace: undefined where that is nothing, or nothing that can be relied on (§3.2). */
export function parentOf(headers: ReadonlyHeaders): SpanPlace | undefined {
  const [text, ...more] = headers.getAll('traceparent')
  if (text === undefined || more.length > 0) return undefined
  const [, version, traceId, spanId, flags, rest] = pattern.exec(text.trim()) ?? []
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined) return undefined
  // A version to come may have more behind; this one has not (§3.2.3).
  if (version === 'ff' || (version === '00' && rest !== '')) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS }
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})((?:-.*)?)$/

/** The field that says it. */
export function parentText({ traceId, spanId, flags }: SpanPlace): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`
}

/** Whether it is recorded. */
export function isSampled({ flags }: SpanPlace): boolean {
  return (flags & SAMPLED) !== 0
}

const MAX_MEMBERS = 32

/** What other systems keep about a trace (§3.3), joined; undefined where there is nothing, or what is no list of at most 32 members. */
export function traceStateOf(headers: ReadonlyHeaders): string | undefined {
  const members = headers
    .getAll('tracestate')
    .flatMap((text) => text.split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '')
  const keys = new Set(members.map((member) => member.split('=', 1)[0]))
  const isList = members.length > 0 && members.length <= MAX_MEMBERS && keys.size === members.length
  return isList && members.every((member) => memberPattern.test(member)) ? members.join(',') : undefined
}

const memberPattern = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
