import { atOnce } from '@gatelet/core'

/** A rule for a text: the value of a path parameter, of a header or of a query parameter. */
export interface Matcher {
  /** Two matchers with the same id accept the same. */
  readonly id: string
  /** For people. */
  readonly text: string
  /** Lower for what says more: where two rules of the same place accept a text, the lower one is asked first. */
  readonly rank: number
  /** Whether it is a function of the user's, which is called for requests alone. */
  readonly isOpaque?: boolean
  /** All that it accepts, when that is a list. */
  readonly values?: readonly string[]
  /** Whether handlers get a number. */
  readonly isNumber?: boolean
  /** @param value percent-decoded */
  accepts(value: string): boolean
}

/** One of these texts. */
export function anyOf(values: readonly string[]): Matcher {
  const known = new Set(values)
  const id = `=${[...known].sort().map(encodeURIComponent).join('|')}`
  return { id, text: [...known].join('|'), rank: 0, values: [...known], accepts: (value) => known.has(value) }
}

/**
 * A whole number that JavaScript can hold exactly, in its one spelling: `0`, `7`, `-12`, neither `07` nor `+7` nor `-0`. What is
 * beyond ±(2^53 − 1) is none.
 */
export const int: Matcher = {
  id: 'int',
  text: 'int',
  rank: 1,
  accepts: (value) => /^(?:0|-?[1-9]\d{0,15})$/.test(value) && Number.isSafeInteger(Number(value)),
  isNumber: true,
}

/** A UUID of any version, hexadecimal digits in either case (RFC 9562 §4). */
export const uuid: Matcher = {
  id: 'uuid',
  text: 'uuid',
  rank: 2,
  accepts: (value) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(value),
}

/** Lower-case letters and digits of ASCII, in parts with one hyphen between: `my-first-post`. */
export const slug: Matcher = {
  id: 'slug',
  text: 'slug',
  rank: 3,
  accepts: (value) => /^[a-z\d]+(?:-[a-z\d]+)*$/.test(value),
}

/** A text in which each `*` stands for any characters, also none. Takes time in proportion to the length of the value. */
export function glob(pattern: string): Matcher {
  const parts = pattern.split('*')
  const [first, last] = [parts[0] as string, parts.at(-1) as string]
  const middle = parts.slice(1, -1)
  return {
    id: `*${pattern.replace(/\*+/g, '*')}`,
    text: pattern,
    rank: 4,
    accepts(value) {
      if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false
      // The leftmost place for each part leaves the most room for the parts behind it: there is nothing to try again.
      let at = first.length
      for (const part of middle) {
        const found = value.indexOf(part, at)
        if (found < 0) return false
        at = found + part.length
      }
      return at <= value.length - last.length
    },
  }
}

/** A regular expression that the whole value has to match. It must be linear: see `whyNotLinear`. */
export function whole(pattern: RegExp): Matcher {
  const regExp = new RegExp(`^(?:${pattern.source})$`, pattern.flags)
  return { id: String(pattern), text: String(pattern), rank: 4, accepts: (value) => regExp.test(value) }
}

/** What a function says, at once. */
export function custom(accepts: (value: string) => boolean): Matcher {
  const [id, text] = [`function ${numberOf(accepts)}`, accepts.name || 'function']
  return { id, text, rank: 5, isOpaque: true, accepts: (value) => atOnce(accepts(value), text) === true }
}

const numbers = new WeakMap<object, number>()
let count = 0

function numberOf(thing: object): number {
  const number = numbers.get(thing) ?? ++count
  numbers.set(thing, number)
  return number
}

/** Whether all that `a` accepts is accepted by `b` (undefined: anything), as far as that can be told. */
export function isWithin(a: Matcher | undefined, b: Matcher | undefined): boolean {
  if (b === undefined || a?.id === b.id) return true
  return a?.values !== undefined && !b.isOpaque && a.values.every((value) => b.accepts(value))
}

/** Whether some text may be accepted by both; true where that cannot be told. */
export function canMeet(a: Matcher | undefined, b: Matcher | undefined): boolean {
  if (a === undefined || b === undefined || a.id === b.id) return true
  const [list, other] = a.values ? [a.values, b] : [b.values, a]
  if (list) return other.isOpaque === true || list.some((value) => other.accepts(value))
  return !((a === int && b === uuid) || (a === uuid && b === int))
}
