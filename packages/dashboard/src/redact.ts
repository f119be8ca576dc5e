const MAX_READ = 2_000
const MAX_SHOWN = 300

const rules: readonly (readonly [RegExp, string])[] = [
  // Whoever renders this shows it as text; in a terminal or a log it must not act either, nor turn the line around.
  [/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·'],
  // User and password in a URL, and its query.
  [/\/\/[^/@\s]+@/g, '//…@'],
  [/\?[^\s#"'<>)]+/g, '?…'],
  [/\b(bearer|basic|dpop|digest|negotiate)\s+[^\s,]+/gi, '$1 …'],
  [
    /\b(authorization|(?:set-)?cookie|api[-_]?key|[a-z_-]{0,20}token|secret|passw(?:or)?d|pwd)(["']?\s*[=:]\s*)[^\s,;]+/gi,
    '$1$2…',
  ],
  // Tokens, digests, session identifiers: long, and of letters and digits.
  [/\beyJ[\w-]+(?:\.[\w-]+)*/g, '…'],
  [/[\w-]{32,}/g, '…'],
]

/** A text of others, to be shown: without what looks like a secret, without control characters, at most 300 characters. */
export function redacted(text: string): string {
  const clean = rules.reduce((left, [what, by]) => left.replace(what, by), text.slice(0, MAX_READ))
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean
}
