import type { Place } from '../route.ts'
import type { FieldCondition } from './conditions.ts'
import { anyOf, canMeet, isWithin, type Matcher } from './matcher.ts'

/** Whether both places, which are of one host, may take the same request; true where that cannot be told. */
export function mayMeet(a: Place, b: Place): boolean {
  return (
    pairs(a, b).every(([one, other]) => one === null || other === null || segmentsMeet(one, other)) &&
    tenantsMeet(a, b) &&
    methodsMeet(a, b) &&
    conditionsMeet(a.headers, b.headers) &&
    conditionsMeet(a.query, b.query)
  )
}

/**
 * Whether each request that `a` takes is one that `b` takes, as far as that can be told.
 * @param isNarrower whether one rule of a parameter counts as within another one
 */
export function isCovered(a: Place, b: Place, isNarrower: typeof isWithin = isWithin): boolean {
  return (
    pathWithin(a, b, isNarrower) &&
    (b.tenants === undefined || a.tenants?.every((tenant) => b.tenants?.includes(tenant)) === true) &&
    (b.method === undefined ||
      (a.method !== undefined && taken(a.method).every((name) => taken(b.method ?? []).includes(name)))) &&
    conditionsWithin(a.headers, b.headers) &&
    conditionsWithin(a.query, b.query)
  )
}

/** A text, or the rule of a parameter (undefined: any segment). */
type Segment = string | { readonly rule: Matcher | undefined }

function segmentOf({ path }: Place, at: number): Segment {
  return path.segments[at] ?? { rule: path.params.find((param) => param.at === at)?.constraint }
}

/** What stands at the same places of both; null where one has ended. */
function pairs(a: Place, b: Place): [Segment | null, Segment | null][] {
  const [lengthA, lengthB] = [a.path.segments.length, b.path.segments.length]
  return Array.from({ length: Math.max(lengthA, lengthB) }, (_, at) => [
    at < lengthA ? segmentOf(a, at) : null,
    at < lengthB ? segmentOf(b, at) : null,
  ])
}

function segmentsMeet(a: Segment, b: Segment): boolean {
  if (typeof a === 'string') return typeof b === 'string' ? a === b : accepts(b.rule, a)
  return typeof b === 'string' ? accepts(a.rule, b) : canMeet(a.rule, b.rule)
}

// A function is called for requests alone.
function accepts(rule: Matcher | undefined, segment: string): boolean {
  if (segment === '' || rule === undefined) return segment !== ''
  return rule.isOpaque === true || rule.accepts(decodeURIComponent(segment))
}

function pathWithin(a: Place, b: Place, isNarrower: typeof isWithin): boolean {
  const [lengthA, lengthB] = [a.path.segments.length, b.path.segments.length]
  if (lengthA < lengthB || (!b.path.isPrefix && (a.path.isPrefix || lengthA > lengthB))) return false
  if (b.rest && (a.rest?.id !== b.rest.id || lengthA !== lengthB)) return false
  return b.path.segments.every((_, at) => {
    const [one, other] = [segmentOf(a, at), segmentOf(b, at)]
    if (typeof other === 'string') return one === other
    if (typeof one !== 'string') return isNarrower(one.rule, other.rule)
    return one !== '' && isNarrower({ ...anyOf([decodeURIComponent(one)]), rank: -1 }, other.rule)
  })
}

function tenantsMeet({ tenants: a }: Place, { tenants: b }: Place): boolean {
  if (a === undefined || b === undefined) return true
  const known = new Set(b)
  return a.some((tenant) => known.has(tenant))
}

const taken = (methods: readonly string[]) => (methods.includes('GET') ? [...methods, 'HEAD'] : methods)

function methodsMeet({ method: a }: Place, { method: b }: Place): boolean {
  return a === undefined || b === undefined || taken(a).some((name) => taken(b).includes(name))
}

function conditionsMeet(a: readonly FieldCondition[], b: readonly FieldCondition[]): boolean {
  return a.every(({ name, matcher }) => {
    const other = b.find((each) => each.name === name)
    return other === undefined || canMeet(matcher, other.matcher)
  })
}

function conditionsWithin(a: readonly FieldCondition[], b: readonly FieldCondition[]): boolean {
  return b.every(({ name, matcher }) => {
    const own = a.find((each) => each.name === name)
    return own !== undefined && isWithin(own.matcher, matcher)
  })
}
