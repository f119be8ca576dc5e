import { GatewayError } from '@gatelet/core'
import { whyNotLinear } from '../match/linear.ts'

/** What makes the regular expressions of a document's schemas: the engine's own, RE2, or another one. */
export type PatternEngine = (source: string, flags: string) => { test(text: string): boolean }

// A pattern that is looked for anywhere begins anew at each character: with repeats, its time grows with the square.
const MAX_SEARCHED = 4_096

/**
 * Regular expressions whose time grows no faster than the text: what is not shown to be so is refused. One that may begin to
 * match anywhere, and has repeats, is asked about texts of at most 4,096 characters: longer ones do not match.
 */
export const linearPatterns: PatternEngine = (source, flags) => {
  const pattern = compiled(source, flags)
  const begins = source.startsWith('^') && !hasAlternatives(source)
  const ends = /(?<!\\)(?:\\\\)*\$$/.test(source)
  const reason = whyNotLinear(compiled(source.slice(source.startsWith('^') ? 1 : 0, ends ? -1 : undefined), flags))
  if (reason !== undefined) throw refused(source, reason)
  if (begins || !/[*+]|\{\d+,/.test(source)) return pattern
  return { test: (text) => text.length <= MAX_SEARCHED && pattern.test(text) }
}

/** Whether there is a `|` outside of groups: then `^` holds for one alternative only. */
function hasAlternatives(source: string): boolean {
  // What is escaped, then classes, then groups from the innermost on.
  let outer = source.replace(/\\[\s\S]/g, '').replace(/\[[^\]]*\]/g, '')
  for (let before = ''; before !== outer; ) {
    before = outer
    outer = outer.replace(/\([^()]*\)/g, '')
  }
  return outer.includes('|')
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
