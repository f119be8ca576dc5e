import { GatewayError } from '@gatelet/core'
import { emptyObject } from './fields.ts'

/** Where a part stands in the reply. */
export interface Place {
  readonly name: string
  /** Names one below the other; undefined: its own fields go into the reply itself. */
  readonly path: readonly string[] | undefined
  /** The names of its fields, where it is known which it can have and `path` is undefined. */
  readonly fields?: readonly string[] | undefined
}

/** A place, and what goes there: an object where it has no path. */
export interface Placed {
  readonly path: readonly string[] | undefined
  readonly value: unknown
}

/**
 * Refuses places of which one would hide another. What is known when the program starts: groups, and the fields of parts that
 * stand in the reply itself and allow certain fields only.
 * @throws GatewayError `BAD_OPTION`
 */
export function checkPlaces(places: readonly Place[]): void {
  const taken: { path: readonly string[]; name: string }[] = []
  for (const place of places) {
    const paths = place.path ? [place.path] : (place.fields ?? []).map((field) => [field])
    for (const path of paths) {
      const other = taken.find((before) => isOver(before.path, path) || isOver(path, before.path))
      if (other) throw conflict(place.name, path, other.name)
    }
    taken.push(...paths.map((path) => ({ path, name: place.name })))
  }
}

/**
 * The values, each at its place, in an object without a prototype. Where two give a value for the same name of the reply, the
 * later one in the list has it, whole: nothing is mixed below the names that groups have made.
 */
export function merged(values: readonly Placed[]): object {
  const root = emptyObject()
  const groups = new Set<object>([root])
  for (const { path, value } of values) {
    if (path) place(root, groups, path, value)
    else for (const [name, field] of Object.entries(value as object)) root[name] = field
  }
  return root
}

function place(root: Record<string, unknown>, groups: Set<object>, path: readonly string[], value: unknown): void {
  let at = root
  for (const name of path.slice(0, -1)) {
    let next = at[name] as Record<string, unknown>
    if (!groups.has(next)) {
      next = emptyObject()
      groups.add(next)
      at[name] = next
    }
    at = next
  }
  at[path.at(-1) as string] = value
}

function isOver(path: readonly string[], other: readonly string[]): boolean {
  return path.length <= other.length && path.every((name, at) => name === other[at])
}

function conflict(name: string, path: readonly string[], other: string): GatewayError {
  const message = `aggregate: ${name} must stand at another place than ${other}: both would be ${path.join('.')} of the reply`
  return new GatewayError('BAD_OPTION', { path: `${name}.group`, message })
}
