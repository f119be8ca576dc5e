import type { Place } from './place.ts'

// What asks another schema about the same value. Others (`properties`, `items`) ask about a part of it, and come to an end.
const REFERENCES = ['$ref', '$dynamicRef']
const SCHEMAS = ['not', 'if', 'then', 'else']
const GROUPS = ['allOf', 'anyOf', 'oneOf', 'dependentSchemas', 'dependencies']

/**
 * Refuses schemas that ask themselves about the same value again: to compile them, or to look at a value, would never end
 * (JSON Schema 2020-12 §9.4.1).
 */
export class Loops {
  /** By pointer: which have been looked at already. */
  private readonly known = new Set<string>()

  /** Looks at a schema and at all that it leads to. @throws GatewayError `BAD_OPTION` that names one of the circle */
  refuse(schema: Place): void {
    const waiting = [schema]
    for (let next = waiting.pop(); next; next = waiting.pop()) this.follow(next, new Set(), waiting)
  }

  /** @param open pointers of those that have led here for one value @param parts gets what is asked about parts of it */
  private follow(place: Place, open: Set<string>, parts: Place[]): void {
    const { pointer } = place
    if (open.has(pointer)) throw place.wrong('a schema that never asks itself about the same value (by $ref, allOf or the like)')
    if (this.known.has(pointer)) return
    this.known.add(pointer)
    open.add(pointer)
    for (const same of ofSameValue(place)) this.follow(same, open, parts)
    open.delete(pointer)
    for (const part of place.children()) parts.push(part)
  }
}

function ofSameValue(place: Place): Place[] {
  const references = REFERENCES.flatMap((key) => {
    const { value } = place.child(key) ?? {}
    return typeof value === 'string' ? (place.target(value) ?? []) : []
  })
  const groups = GROUPS.flatMap((key) => place.child(key)?.children() ?? [])
  return [...references, ...SCHEMAS.flatMap((key) => place.child(key) ?? []), ...groups]
}
