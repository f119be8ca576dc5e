import { GatewayError, options } from '@gatelet/core'
import { pointer } from '../validation/finding.ts'

/** A place in an OpenAPI document. Nothing of the document is believed to be of a type before it was looked at. */
export class Place {
  readonly value: unknown
  /** The whole document. */
  readonly root: unknown
  private readonly keys: readonly string[]

  constructor(root: unknown, keys: readonly string[] = [], value: unknown = root) {
    this.root = root
    this.keys = keys
    this.value = value
  }

  /** Where it is, as a JSON pointer. */
  get pointer(): string {
    return pointer(this.keys)
  }

  /** Undefined where there is nothing. */
  child(key: string): Place | undefined {
    const value = isObject(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined
    return value === undefined ? undefined : new Place(this.root, [...this.keys, key], value)
  }

  /** The objects and lists that stand here. */
  children(): Place[] {
    const { value } = this
    return isObject(value) ? Object.keys(value).flatMap((key) => (isObject(value[key]) ? (this.child(key) ?? []) : [])) : []
  }

  /** What stands at a key, with references followed. */
  at(key: string): Place | undefined {
    return this.child(key)?.resolved()
  }

  /** What a local `$ref` here means; itself where there is none. @throws GatewayError `BAD_OPTION` for one that leads nowhere */
  resolved(): Place {
    let place: Place = this
    for (const seen = new Set<string>(); place.ref !== undefined; ) {
      const { ref } = place
      if (seen.has(ref)) throw place.wrong('a reference that does not lead back to itself')
      seen.add(ref)
      const target = place.target(ref)
      if (!target) throw place.wrong('a reference to something in this document')
      place = target
    }
    return place
  }

  private get ref(): string | undefined {
    const ref = isObject(this.value) ? this.value['$ref'] : undefined
    return typeof ref === 'string' ? ref : undefined
  }

  /** What a reference leads to, by a JSON pointer or by the name of an anchor; undefined for nothing of this document. */
  target(ref: string): Place | undefined {
    const root = new Place(this.root)
    const anchor = /^#([A-Za-z_][\w.-]*)$/.exec(ref)?.[1]
    if (anchor !== undefined) return anchored(root, anchor)
    return keysOf(ref)?.reduce<Place | undefined>((place, key) => place?.child(key), root)
  }

  /** The members of an object, in their order; none where there is nothing. @throws GatewayError `BAD_OPTION` */
  members(key: string): [name: string, place: Place][] {
    const place = this.at(key)
    if (!place) return []
    if (!isObject(place.value) || Array.isArray(place.value)) throw place.wrong('an object')
    return Object.keys(place.value).map((name) => [name, place.child(name) as Place])
  }

  /** The items of a list; none where there is nothing. @throws GatewayError `BAD_OPTION` */
  items(key: string): Place[] {
    const place = this.at(key)
    if (!place) return []
    if (!Array.isArray(place.value)) throw place.wrong('a list')
    return place.value.map((_, at) => place.child(String(at)) as Place)
  }

  /** @throws GatewayError `BAD_OPTION` for something else than a text */
  text(key: string): string | undefined {
    const place = this.child(key)
    if (place && typeof place.value !== 'string') throw place.wrong('a text')
    return place?.value as string | undefined
  }

  /** @throws GatewayError `BAD_OPTION` for something else than true or false */
  flag(key: string): boolean | undefined {
    const place = this.child(key)
    if (place && typeof place.value !== 'boolean') throw place.wrong('true or false')
    return place?.value as boolean | undefined
  }

  /** The error for what is not right here. @param expected completes "must be …" */
  wrong(expected: string, cause?: unknown): GatewayError {
    const path = `document#${this.pointer}`
    const { message } = options.wrong(this.value, path, expected)
    return new GatewayError('BAD_OPTION', { path, message: `fromOpenAPI: ${message}`, cause })
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function keysOf(ref: string): string[] | undefined {
  if (ref === '#') return []
  if (!ref.startsWith('#/')) return undefined
  try {
    return ref
      .slice(2)
      .split('/')
      .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
  } catch {
    return undefined
  }
}

function anchored(root: Place, name: string): Place | undefined {
  const seen = new Set<unknown>()
  const waiting = [root]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.child('$anchor')?.value === name || next.child('$dynamicAnchor')?.value === name) return next
    if (seen.has(next.value)) continue
    seen.add(next.value)
    for (const child of next.children()) waiting.push(child)
  }
  return undefined
}

/**
 * Looks at everything once. Nothing is fetched, and what contains itself would be looked at for ever.
 * @throws GatewayError `BAD_OPTION` for a reference that leads out of the document, and for an object that contains itself
 */
export function refuseEndless(place: Place, around: readonly unknown[] = [], seen: Set<unknown> = new Set()): void {
  if (!isObject(place.value)) return
  if (around.includes(place.value)) throw place.wrong('an object that does not contain itself; use $ref')
  if (seen.has(place.value)) return
  seen.add(place.value)
  const ref = place.child('$ref')
  if (typeof ref?.value === 'string' && !ref.value.startsWith('#'))
    throw ref.wrong('a reference within the document; put into it what others refer to')
  for (const child of place.children()) refuseEndless(child, [...around, place.value], seen)
}
