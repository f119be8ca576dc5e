/** One media range of `Accept`, in lower case. */
export interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * The media ranges of `Accept` (RFC 9110 §12.5.1) that are wanted at all, from the highest weight on, among equals in their
 * order. Commas and semicolons in quotes are not told apart from others: what is looked for here has none.
 */
export function rangesOf(accept: string): readonly MediaRange[] {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(rangeOf)
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight)
}

function rangeOf(text: string): MediaRange & { readonly weight: number } {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim())
  const parameters = new Map(rest.map(parameterOf))
  const q = parameters.get('q')
  return { type, parameters, weight: q !== undefined && /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(q) ? Number(q) : 1 }
}

function parameterOf(text: string): [name: string, value: string] {
  const [name = '', value = ''] = text.split('=', 2)
  return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]
}
