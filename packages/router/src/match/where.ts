import { type Check, GatewayError, options } from '@gatelet/core'
import type { ParamNames } from '../params.ts'
import type { Pattern } from '../pattern.ts'
import { whyNotLinear } from './linear.ts'
import { anyOf, custom, glob, int, type Matcher, slug, uuid, whole } from './matcher.ts'

/**
 * What the value of a path parameter must be, percent-decoded, so that the route matches. In the order in which rules that
 * stand at the same place are asked:
 * - a list of values, at most 10,000; the handler sees their union as the type;
 * - `'int'`: a whole number within ±(2^53 − 1), in its one spelling (`7`, not `07`). The handler gets a number;
 * - `'uuid'` in either case;
 * - `'slug'`: lower-case letters and digits of ASCII, with single hyphens between;
 * - a text in which `*` stands for any characters, as `'*.png'`; or a RegExp that the whole value must match. One whose time may
 *   grow faster than the value (nested or overlapping repeats, look-around, back-references) is refused;
 * - a function. It must be quick: it is asked for each request that comes by. When it throws, or gives a promise, the request is
 *   answered 500, and goes to no other route. Write the type of its argument, `(value: string) => …`; a type guard gives the
 *   handler its type.
 */
export type ParamRule =
  | 'int'
  | 'uuid'
  | 'slug'
  | `${string}*${string}`
  | readonly string[]
  | RegExp
  | ((value: string) => boolean)

/** A rule for each parameter that has one. */
export type ParamRules<P extends string = string> = string extends P
  ? Readonly<Record<string, ParamRule>>
  : { readonly [Name in ParamNames<P>]?: ParamRule }

const named: Readonly<Record<string, Matcher>> = { int, uuid, slug }

/** Checks one rule. */
export const paramRule: Check<Matcher> = (value, path) => {
  if (typeof value === 'string' && Object.hasOwn(named, value)) return named[value] as Matcher
  if (typeof value === 'string' && value.includes('*')) return glob(value)
  if (Array.isArray(value)) return anyOf(options.list(options.string, { min: 1, max: 10_000 })(value, path))
  if (value instanceof RegExp) return linear(value, path)
  if (typeof value === 'function') return custom(value as (value: string) => boolean)
  throw options.wrong(value, path, '"int", "uuid", "slug", a text with *, a list of values, a RegExp or a function')
}

/** Checks that a RegExp is linear. */
export function linear(value: RegExp, path: string): Matcher {
  const reason = whyNotLinear(value)
  if (reason !== undefined) throw options.wrong(value, path, `a RegExp ${reason}, so that its time grows no faster than the text`)
  return whole(value)
}

/** A pattern whose parameters are held to rules. `rest`: the rule of its rest, which is looked at where all else fits. */
export interface RuledPattern {
  readonly path: Pattern
  readonly rest: Matcher | undefined
}

/**
 * @param owner the function that takes the rules, and `field` where they stand in its options, for the message
 * @throws GatewayError `BAD_OPTION` for a name that the pattern does not have
 */
export function ruled(path: Pattern, rules: Readonly<Record<string, Matcher>>, owner: string, field: string): RuledPattern {
  const names = [...path.params.map(({ name }) => name), ...(path.rest === undefined ? [] : [path.rest])]
  const unknown = Object.keys(rules).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const known = names.length > 0 ? `has ${names.join(', ')}` : 'has no parameters'
    const message = `${owner}: ${field}.${unknown} is not in ${path.text}, which ${known}`
    throw new GatewayError('BAD_OPTION', { path: `${field}.${unknown}`, message })
  }
  const byName = new Map(Object.entries(rules))
  const params = path.params.map((param) => {
    const constraint = byName.get(param.name)
    return constraint ? { ...param, constraint } : param
  })
  return { path: { ...path, params }, rest: path.rest === undefined ? undefined : byName.get(path.rest) }
}
