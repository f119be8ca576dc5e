import { GatewayError } from '@gatelet/core'
import { whyNotLinear } from '../match/linear.ts'

/** What makes the regular expressions of a document's schemas: the engine's own, RE2, or another one. */
export type PatternEngine = (source: string, flags: string) => { test(text: string): boolean }

// A pattern that is looked for anywhere begins anew at each character: with repeats, its time grows with the square.
const MAX_SEARCHED = 4_096

/**
 * Regular expressions whose time grows no faster than the text. One that matches from `^` to `$` is shown to be so or refused.
 * One that may match anywhere is held to the same, and where it has repeats it is asked about texts of at most 4,096
 * characters: longer ones do not match.
 */
export const linearPatterns: PatternEngine = (source, flags) => {
  const starts = source.startsWith('^')
  const ends = /(?<!\\)(?:\\\\)*\$$/.test(source)
  const inner = source.slice(starts ? 1 : 0, ends ? -1 : undefined)
  const pattern = compiled(source, flags)
  const reason = whyNotLinear(compiled(inner, flags))
  if (reason !== undefined) throw refused(source, reason)
  if ((starts && ends) || !/[*+]|\{\d+,\}/.test(source)) return pattern
  return { test: (text) => text.length <= MAX_SEARCHED && pattern.test(text) }
}

function compiled(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch {
    throw refused(source, 'that is right')
  }
}

function refused(source: string, reason: string): GatewayError {
  const way = 'or give `patterns` an engine such as RE2'
  return new GatewayError('BAD_OPTION', { message: `the pattern ${source} must be one ${reason}; write it so, ${way}` })
}
