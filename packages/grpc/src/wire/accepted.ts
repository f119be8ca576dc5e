import type { ReadonlyHeaders } from '@gatelet/core'

/**
 * The one of some media types that `Accept` wants most (RFC 9110 §12.5.1): by `q`, then in the order of `types`. Undefined where it
 * names none of them; a range with `*` in it names none, since whoever sends that has no wish.
 */
export function acceptedOf<T extends string>(headers: ReadonlyHeaders, types: readonly T[]): T | undefined {
  const accept = headers.getAll('accept').join(',').toLowerCase()
  let best: T | undefined
  let most = 0
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim())
    const type = types.find((each) => each === name)
    const q = qualityOf(parameters)
    if (type === undefined || q === 0) continue
    const isBetter = q > most || (q === most && types.indexOf(type) < types.indexOf(best as T))
    if (!isBetter) continue
    best = type
    most = q
  }
  return best
}

function qualityOf(parameters: readonly string[]): number {
  const [, value] = parameters.map((each) => /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(each)).find((match) => match) ?? []
  return value === undefined ? 1 : Number(value)
}
