import { checkOptions, GatewayError } from '@gatelet/core'
import type { ParamNames } from './params.ts'
import { type Pattern, pattern } from './pattern.ts'

/** A value for each parameter of a pattern. */
export type PathParams<P extends string> = string extends P
  ? Readonly<Record<string, string | number>>
  : { readonly [Name in ParamNames<P>]: string | number }

/**
 * Fills a path pattern with values, each percent-encoded: the other way round of what a route captures.
 *
 * No value ever adds a segment that it does not show: in a `:param` a slash becomes `%2F`; in a `*rest` slashes stay, a `%2F`
 * becomes `%252F`, and an empty rest leaves no slash behind. What could become a dot segment or an empty one is refused.
 * @throws GatewayError `BAD_OPTION` for what is no pattern, or one whose rest has no name; `BAD_TARGET` for a value that no path
 * can carry: empty, `.` or `..` or with such a part, with `//`, with a control byte, not UTF-16; `CHANGE_REFUSED` for a value
 * that is missing
 * @example pathOf('/users/:id/*rest', { id: 'a/b', rest: 'x y/z' }) // '/users/a%2Fb/x%20y/z'
 */
export function pathOf<P extends string>(path: P, params: PathParams<P>): string {
  return pathBuilder(path)(params)
}

/** The same for a pattern that is filled often: it is read once. */
export function pathBuilder<P extends string>(path: P): (params: PathParams<P>) => string {
  const { path: read } = checkOptions('pathBuilder', { path }, { path: fillable })
  const parts = partsOf(read)
  return (params) => parts.map((part) => (typeof part === 'string' ? part : part(params))).join('') || '/'
}

function fillable(value: unknown, path: string): Pattern {
  const read = pattern(value, path)
  if (!read.isPrefix || read.rest !== undefined) return read
  throw new GatewayError('BAD_OPTION', { path, message: `${path} must give its rest a name, as /*rest, to be filled` })
}

type Fill = (params: Readonly<Record<string, string | number>>) => string

function partsOf({ segments, params, rest }: Pattern): (string | Fill)[] {
  const names = new Map(params.map(({ at, name }) => [at, name]))
  const parts = segments.map((segment, at): string | Fill => {
    if (segment !== null) return `/${segment}`
    const name = names.get(at) as string
    return (values) => `/${encodedSegment(name, given(values, name))}`
  })
  return rest === undefined ? parts : [...parts, (values) => encodedRest(rest, given(values, rest))]
}

function given(values: Readonly<Record<string, string | number>>, name: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new GatewayError('CHANGE_REFUSED', { message: `The path parameter ${name} was not given` })
}

function encodedRest(name: string, value: string): string {
  if (value === '') return ''
  const segments = value.split('/')
  const encoded = segments.map((segment, at) => {
    if (segment === '' && at > 0 && at === segments.length - 1) return '' // a slash at the end
    return encodedSegment(name, segment)
  })
  return `/${encoded.join('/')}`
}

// Some servers look for dot segments only after they have decoded slashes and backslashes, or cut off `;` and what follows.
const dotted = /(?:^|[/\\])\.\.?(?:$|[/\\;])/
const control = /[^\x20-\x7e\x80-\u{10ffff}]/u

function encodedSegment(name: string, value: string): string {
  if (value === '' || dotted.test(value) || control.test(value)) throw refused(name)
  try {
    return encodeURIComponent(value)
  } catch {
    throw refused(name) // half of a surrogate pair
  }
}

function refused(name: string): GatewayError {
  return new GatewayError('BAD_TARGET', { detail: `The path parameter ${name} is nothing that a path can carry` })
}
