import type { Segment, Template } from './template.ts'

/** What stands for a path, by method of HTTP and verb. */
type Leaves<T> = Map<string, T>

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  one: Node<T> | undefined
  readonly rest: Leaves<T>
  readonly leaves: Leaves<T>
}

/** What was found for a path. */
export interface Found<T> {
  readonly value: T
  readonly segments: readonly string[]
}

/**
 * Templates, found by path. A literal comes before `*`, and `*` before `**`, from the left; a verb before a path that merely has a
 * colon in it. Each node is looked at once at most for each request.
 */
export class TemplateTree<T> {
  private readonly root: Node<T> = node()

  /** @returns what is there already for the same requests; then nothing is changed */
  add(method: string, { segments, verb }: Template, value: T): T | undefined {
    let at = this.root
    let isRest = false
    for (const segment of segments) {
      if (segment.kind === 'rest') isRest = true
      else at = child(at, segment)
    }
    const leaves = isRest ? at.rest : at.leaves
    const key = keyOf(method, verb)
    const known = leaves.get(key)
    if (known === undefined) leaves.set(key, value)
    return known
  }

  /** @param path canonical, percent-encoded */
  find(method: string, path: string): Found<T> | undefined {
    for (const { segments, verb } of readings(path)) {
      const value = first(this.root, segments, 0, (leaves) => leaves.get(keyOf(method, verb)))
      if (value !== undefined) return { value, segments }
    }
    return undefined
  }

  /** The methods that a path can be asked by. */
  methodsOf(path: string): readonly string[] {
    const methods = new Set<string>()
    for (const { segments, verb } of readings(path)) {
      first(this.root, segments, 0, (leaves) => {
        for (const key of leaves.keys()) {
          const [method = '', ofVerb = ''] = key.split(' ')
          if (ofVerb === verb) methods.add(method)
        }
        return undefined
      })
    }
    return [...methods].sort()
  }
}

const node = <T>(): Node<T> => ({ literals: new Map(), one: undefined, rest: new Map(), leaves: new Map() })

const keyOf = (method: string, verb: string) => `${method} ${verb}`

function child<T>(at: Node<T>, segment: Segment): Node<T> {
  if (segment.kind !== 'literal') {
    at.one ??= node()
    return at.one
  }
  const known = at.literals.get(segment.text)
  if (known) return known
  const made = node<T>()
  at.literals.set(segment.text, made)
  return made
}

/** With a verb, where there can be one, and without. */
function readings(path: string): { segments: readonly string[]; verb: string }[] {
  const segments = path.slice(1).split('/')
  const last = segments.at(-1) as string
  const colon = last.lastIndexOf(':')
  const whole = { segments, verb: '' }
  if (colon <= 0 || colon === last.length - 1) return [whole]
  return [{ segments: [...segments.slice(0, -1), last.slice(0, colon)], verb: last.slice(colon + 1) }, whole]
}

function first<T, R>(
  at: Node<T>,
  segments: readonly string[],
  index: number,
  look: (leaves: Leaves<T>) => R | undefined,
): R | undefined {
  const segment = segments[index]
  if (segment === undefined) return look(at.leaves) ?? look(at.rest)
  const literal = at.literals.get(segment)
  const found = literal && first(literal, segments, index + 1, look)
  if (found !== undefined) return found
  const one = at.one && segment !== '' ? first(at.one, segments, index + 1, look) : undefined
  return one ?? look(at.rest)
}
