import { isDeepStrictEqual } from 'node:util'
import { GatewayError } from '@gatelet/core'
import { type EndpointSpec, endpoint } from '../endpoint-options.ts'

/** What can be used of a list that a source found. */
export interface Usable {
  readonly specs: readonly EndpointSpec[]
  /** Entries that are not among them. */
  readonly skipped: number
  /** Why, for the first of them. */
  readonly reasons: readonly string[]
}

/**
 * Checks each entry of a list; one that is not right, or has the id of an earlier one, is passed over. Of more than `max`,
 * those stay whose ids are `known`, then the first: a list that comes in another order each time must not change who is in.
 * @returns undefined for what is not a list at all
 */
export function usable(found: unknown, max: number, known: ReadonlySet<string>): Usable | undefined {
  if (!Array.isArray(found)) return undefined
  const specs = new Map<string, EndpointSpec>()
  const reasons: string[] = []
  const looked = Math.min(found.length, MAX_LOOKED_AT)
  for (let at = 0; at < looked; at++) {
    const spec = checked(found[at], `endpoints[${at}]`)
    const reason =
      typeof spec === 'string' ? spec : specs.has(spec.id) ? `endpoints[${at}] has the id of an earlier one` : undefined
    if (reason === undefined) specs.set((spec as EndpointSpec).id, spec as EndpointSpec)
    else if (reasons.length < MAX_REASONS) reasons.push(reason)
  }
  const kept = withinMax([...specs.values()], max, known)
  if (kept.length < specs.size && reasons.length < MAX_REASONS) reasons.push(`there are more than ${max}`)
  return { specs: kept, skipped: found.length - kept.length, reasons }
}

/** Whether two lists say the same, order included. */
export function isSameList(a: Usable, b: Usable): boolean {
  return (
    a.skipped === b.skipped && a.specs.length === b.specs.length && a.specs.every((spec, at) => isSameSpec(spec, b.specs[at]))
  )
}

function isSameSpec(a: EndpointSpec, b: EndpointSpec | undefined): boolean {
  if (!b) return false
  // Apart from the rest: to Node 20, all URLs are deeply equal.
  const { url: urlA, ...restA } = 'url' in a ? a : { ...a, url: undefined }
  const { url: urlB, ...restB } = 'url' in b ? b : { ...b, url: undefined }
  return urlA?.href === urlB?.href && isDeepStrictEqual(restA, restB)
}

const MAX_LOOKED_AT = 100_000
const MAX_REASONS = 3

function checked(entry: unknown, path: string): EndpointSpec | string {
  try {
    return endpoint(entry, path)
  } catch (error) {
    // A getter of theirs may throw anything at all.
    return error instanceof GatewayError ? error.message : `${path} cannot be read`
  }
}

function withinMax(specs: readonly EndpointSpec[], max: number, known: ReadonlySet<string>): readonly EndpointSpec[] {
  if (specs.length <= max) return specs
  const isKnown = ({ id }: EndpointSpec) => known.has(id)
  return [...specs.filter(isKnown), ...specs.filter((spec) => !isKnown(spec))].slice(0, max)
}
