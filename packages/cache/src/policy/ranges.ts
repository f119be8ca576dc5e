import type { ReadonlyHeaders } from '@gatelet/core'
import type { ByteRange } from './types.ts'
import { matchStrongly, strongLastModified } from './validators.ts'

// More of them, or such as overlap, are no download but an attack (RFC 9110 §14.2, §17.15): the whole is sent.
const maxRanges = 16

/**
 * The ranges of a body that a `Range` asks for (RFC 9110 §14.1.2). An empty list when none of them is there (416);
 * undefined when the field is to be ignored, so that the whole is sent.
 * @param length bytes of the whole body
 */
export function parseRange(field: string, length: number): readonly ByteRange[] | undefined {
  const list = /^bytes=(.+)$/i.exec(field.trim())?.[1] ?? ''
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '')
  if (specs.length === 0) return undefined
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = rangeOf(spec, length)
    if (range === undefined || ranges.length === maxRanges) return undefined
    if (range !== null) ranges.push(range)
  }
  return ranges.some((range, at) => ranges.slice(0, at).some((other) => overlap(range, other))) ? undefined : ranges
}

// Null for one that is right but beyond the end; undefined for what is no range.
function rangeOf(spec: string, length: number): ByteRange | null | undefined {
  const [, first = '', last = ''] = /^([0-9]*)-([0-9]*)$/.exec(spec) ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const start = Math.max(0, length - Number(last))
    return start < length ? { start, end: length - 1 } : null
  }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= length) return null
  return { start: Number(first), end: last === '' ? length - 1 : Math.min(Number(last), length - 1) }
}

const overlap = (a: ByteRange, b: ByteRange): boolean => a.start <= b.end && b.start <= a.end

/** Whether `If-Range` lets the range hold: only for the very same bytes (RFC 9110 §13.1.5). */
export function isSameForRange(ifRange: string | undefined, stored: ReadonlyHeaders, receivedMs: number): boolean {
  if (ifRange === undefined) return true
  if (ifRange.includes('"')) return matchStrongly(ifRange.trim(), stored.get('etag') ?? '')
  return ifRange === strongLastModified(stored, receivedMs)
}
