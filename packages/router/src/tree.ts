import { decoded, segmentEnd } from './capture.ts'
import { Leaf, type Placed } from './leaf.ts'
import type { Matcher } from './match/matcher.ts'
import { ownCopy, type Pattern } from './pattern.ts'

/** A place that a path can lead to: the text of the node above, then its own. */
interface Node<D> {
  /** Characters that lead here from the node above; none behind a parameter. */
  text: string
  /** By the first character of their text, less `first`: the lowest of these. */
  next: (Node<D> | undefined)[]
  first: number
  /** Where a segment begins: parameters with a constraint, then the one without. */
  params: ParamEdge<D>[] | undefined
  /** Of patterns that end here. */
  exact: Leaf<D> | undefined
  /** Of patterns whose rest begins here. */
  prefix: Leaf<D> | undefined
}

interface ParamEdge<D> {
  readonly constraint: Matcher | undefined
  readonly node: Node<D>
}

/** Asked at each leaf on the way; `about` is what it needs to know, so that no look-up makes a function of its own. */
export type Look<D, A, R> = (leaf: Leaf<D>, about: A) => R | undefined

/**
 * Path patterns as a tree of texts: where patterns begin alike, they share their nodes. It compares character by character
 * and makes no strings, which is twice as fast as to cut a segment out of the path for a Map.
 */
export class PathTree<D> {
  private readonly root: Node<D> = nodeOf('')

  add(route: Placed<D>): void {
    const { path } = route
    let node = this.root
    for (const [at, text] of textsOf(path).entries()) {
      if (at > 0) node = paramOf(node, path.params[at - 1]?.constraint)
      node = textNode(node, text)
    }
    const end = path.isPrefix ? 'prefix' : 'exact'
    node[end] ??= new Leaf()
    node[end].add(route)
  }

  /**
   * The first answer of `look` that is not undefined, over all patterns that match, in the order of precedence: segment by
   * segment, static before parameter before rest. It tries every way once and stands on each node of the tree at most
   * once, whatever the path.
   * @param from where in the path to begin, at a slash
   */
  first<A, R>(path: string, from: number, look: Look<D, A, R>, about: A): R | undefined {
    return walk(this.root, path, from, look, about)
  }
}

const slash = 47

/** @param at what comes behind the text of the node */
function walk<D, A, R>(start: Node<D>, path: string, from: number, look: Look<D, A, R>, about: A): R | undefined {
  let node = start
  let at = from
  for (;;) {
    if (at === path.length) {
      const answer = node.exact && look(node.exact, about)
      return answer === undefined && node.prefix ? look(node.prefix, about) : answer
    }
    const next = nextOf(node, path, at)
    const { params, prefix } = node
    if (!params && !prefix) {
      if (!next) return undefined
      at += next.text.length
      node = next
      continue
    }
    let answer: R | undefined
    if (next) answer = walk(next, path, at + next.text.length, look, about)
    // An empty segment (a slash behind a slash, or at the end) names nothing.
    if (answer === undefined && params && path.charCodeAt(at) !== slash) answer = walkParams(params, path, at, look, about)
    // A rest begins where a segment ends.
    if (answer === undefined && prefix && path.charCodeAt(at) === slash) answer = look(prefix, about)
    return answer
  }
}

function nextOf<D>(node: Node<D>, path: string, at: number): Node<D> | undefined {
  const index = path.charCodeAt(at) - node.first
  if (index < 0 || index >= node.next.length) return undefined
  const next = node.next[index]
  return next && follows(path, at, next.text) ? next : undefined
}

function walkParams<D, A, R>(
  params: readonly ParamEdge<D>[],
  path: string,
  at: number,
  look: Look<D, A, R>,
  about: A,
): R | undefined {
  const end = segmentEnd(path, at)
  for (let edge = 0; edge < params.length; edge++) {
    const { constraint, node } = params[edge] as ParamEdge<D>
    if (constraint && !accepts(constraint, path.slice(at, end))) continue
    const answer = walk(node, path, end, look, about)
    if (answer !== undefined) return answer
  }
  return undefined
}

function accepts(constraint: Matcher, segment: string): boolean {
  const value = decoded(segment)
  return value !== undefined && constraint.accepts(value)
}

// The first character brought us here.
function follows(path: string, at: number, text: string): boolean {
  for (let index = 1; index < text.length; index++) {
    if (path.charCodeAt(at + index) !== text.charCodeAt(index)) return false
  }
  return true
}

/** The texts between the parameters of a pattern, of which the first and the last may be empty: `/a/`, `/b` of `/a/:x/b`. */
function textsOf({ segments }: Pattern): string[] {
  const texts = ['']
  for (const segment of segments) {
    texts.push(`${texts.pop()}/${segment ?? ''}`)
    if (segment === null) texts.push('')
  }
  return texts
}

/** Where the text leads from this node; made if need be, where another text leaves half-way by a node in between. */
function textNode<D>(from: Node<D>, text: string): Node<D> {
  let node = from
  for (let at = 0; at < text.length; ) {
    const next = node.next[text.charCodeAt(at) - node.first]
    if (!next) return adopt(node, nodeOf(text.slice(at)))
    const shared = sharedLength(next.text, text.slice(at))
    node = shared < next.text.length ? split(node, next, shared) : next
    at += shared
  }
  return node
}

function split<D>(above: Node<D>, below: Node<D>, at: number): Node<D> {
  const between = adopt(above, nodeOf<D>(below.text.slice(0, at)))
  below.text = ownCopy(below.text.slice(at))
  adopt(between, below)
  return between
}

function adopt<D>(above: Node<D>, below: Node<D>): Node<D> {
  const code = below.text.charCodeAt(0)
  if (above.next.length === 0) above.first = code
  if (code < above.first) {
    above.next = [...Array<undefined>(above.first - code).fill(undefined), ...above.next]
    above.first = code
  }
  while (above.next.length <= code - above.first) above.next.push(undefined)
  above.next[code - above.first] = below
  return below
}

function sharedLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}

function paramOf<D>(node: Node<D>, constraint: Matcher | undefined): Node<D> {
  node.params ??= []
  const found = node.params.find((edge) => edge.constraint?.id === constraint?.id)
  if (found) return found.node
  const edge = { constraint, node: nodeOf<D>('') }
  const behind = node.params.findIndex((other) => rankOf(other) > rankOf(edge))
  node.params.splice(behind < 0 ? node.params.length : behind, 0, edge)
  return edge.node
}

function rankOf<D>({ constraint }: ParamEdge<D>): number {
  return constraint ? constraint.rank : Number.POSITIVE_INFINITY
}

function nodeOf<D>(text: string): Node<D> {
  return { text: ownCopy(text), next: [], first: 0, params: undefined, exact: undefined, prefix: undefined }
}
