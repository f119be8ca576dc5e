/** What a client takes, of what is offered. */
export interface Negotiated<C extends string = string> {
  /** The offered coding that it takes and likes best; undefined where it would rather have none. */
  readonly coding: C | undefined
  /** Whether it takes the content as it is. */
  readonly acceptsIdentity: boolean
}

/**
 * Reads `Accept-Encoding` (RFC 9110 §12.5.3). Without one, or with an empty one, the content goes as it is. Weights decide, and
 * among equals the order of the offer; what is no weight from 0 to 1 is not believed.
 */
export function negotiated<C extends string>(accept: string | undefined, offered: readonly C[]): Negotiated<C> {
  if (accept === undefined) return asItIs
  const weights = weightsIn(accept)
  const others = weights.get('*')
  const identity = weights.get('identity') ?? (others === 0 ? 0 : undefined)
  let best: C | undefined
  let most = 0
  for (const coding of offered) {
    const weight = weights.get(coding) ?? others ?? 0
    if (weight > most) [best, most] = [coding, weight]
  }
  const isBetterAsItIs = identity !== undefined && identity > most
  return { coding: isBetterAsItIs ? undefined : best, acceptsIdentity: identity !== 0 }
}

const asItIs = { coding: undefined, acceptsIdentity: true }

function weightsIn(accept: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const part of accept.split(',')) {
    const [, name = '', weight = '1'] = element.exec(part.trim().toLowerCase()) ?? []
    // RFC 9110 §8.4.1.3: `x-gzip` is the same.
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, Number(weight))
  }
  return weights
}

const element = /^([\w!#$%&'*+.^`|~-]+)[ \t]*(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/
