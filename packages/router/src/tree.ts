import { decoded, segmentEnd } from './capture.ts'
import { type Ask, Leaf, type Placed } from './leaf.ts'
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

/**
 * Path patterns as a tree of texts: where patterns begin alike, they share their nodes. It compares character by character
 * and makes no strings: to cut each segment out of the path for a Map takes a third more.
 */
export class PathTree<D> {
  /** Where the segments of the path end that the parameters of the last pattern found have taken: until the next look-up. */
  readonly ends: number[] = []
  /** Whether the last look-up met a pattern that matches, whatever became of it: if not, there is none of another method. */
  hasMet = false
  /** Of patterns without parameters: found at once, by the whole path. */
  private readonly fixed = new Map<string, Leaf<D>>()
  /** By `signOf`, whether such a pattern may be there: to hash a path that is none of them costs as much as to walk half its way. */
  private readonly signs = new Uint8Array(256)
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
    if (!path.isPrefix && path.params.length === 0) this.addFixed(textsOf(path)[0] as string, node[end])
  }

  private addFixed(path: string, leaf: Leaf<D>): void {
    this.fixed.set(path, leaf)
    this.signs[signOf(path)] = 1
  }

  /**
   * The first route that takes a request, over all patterns that match, in the order of precedence: segment by segment, static
   * before parameter before rest. It tries every way once and stands on each node of the tree at most once, whatever the path.
   * @param from where in the path to begin, at a slash
   */
  find(path: string, from: number, ask: Ask): Placed<D> | undefined {
    this.hasMet = false
    // Nothing goes before a path that a pattern has letter by letter.
    const found = from === 0 && this.signs[signOf(path)] === 1 ? this.fixed.get(path)?.find(ask) : undefined
    if (found !== undefined) return found
    return walk(this, this.root, path, from, 0, ask, undefined)
  }

  /** All leaves of patterns that match, in the same order. */
  leaves(path: string, from: number): readonly Leaf<D>[] {
    const leaves: Leaf<D>[] = []
    walk(this, this.root, path, from, 0, undefined, leaves)
    return leaves
  }
}

/** 0 to 255. */
function signOf(path: string): number {
  return (path.length * 31 + path.charCodeAt(path.length - 1)) & 255
}

const slash = 47

/**
 * @param from what comes behind the text of the node
 * @param depth how many parameters lead here
 * @param ask what leaves are asked for; undefined: they are only put `into` a list
 */
function walk<D>(
  tree: PathTree<D>,
  start: Node<D>,
  path: string,
  from: number,
  depth: number,
  ask: Ask | undefined,
  into: Leaf<D>[] | undefined,
): Placed<D> | undefined {
  let node = start
  let at = from
  for (;;) {
    if (at === path.length) {
      const found = node.exact && meet(tree, node.exact, ask, into)
      return found === undefined && node.prefix ? meet(tree, node.prefix, ask, into) : found
    }
    const next = nextOf(node, path, at)
    const { params, prefix } = node
    if (!params && !prefix) {
      if (!next) return undefined
      at += next.text.length
      node = next
      continue
    }
    let found: Placed<D> | undefined
    if (next) found = walk(tree, next, path, at + next.text.length, depth, ask, into)
    // An empty segment (a slash behind a slash, or at the end) names nothing.
    if (found === undefined && params && path.charCodeAt(at) !== slash) {
      found = walkParams(tree, params, path, at, depth, ask, into)
    }
    // A rest begins where a segment ends.
    if (found === undefined && prefix && path.charCodeAt(at) === slash) found = meet(tree, prefix, ask, into)
    return found
  }
}

function walkParams<D>(
  tree: PathTree<D>,
  params: readonly ParamEdge<D>[],
  path: string,
  at: number,
  depth: number,
  ask: Ask | undefined,
  into: Leaf<D>[] | undefined,
): Placed<D> | undefined {
  const end = segmentEnd(path, at)
  for (let edge = 0; edge < params.length; edge++) {
    const { constraint, node } = params[edge] as ParamEdge<D>
    if (constraint !== undefined && !accepts(constraint, path.slice(at, end))) continue
    const found = walk(tree, node, path, end, depth + 1, ask, into)
    if (found === undefined) continue
    // Only now: a rule that was asked on the way may have looked something up itself.
    tree.ends[depth] = end
    return found
  }
  return undefined
}

function meet<D>(tree: PathTree<D>, leaf: Leaf<D>, ask: Ask | undefined, into: Leaf<D>[] | undefined): Placed<D> | undefined {
  if (ask === undefined) {
    into?.push(leaf)
    return undefined
  }
  const found = leaf.find(ask)
  tree.hasMet = true
  return found
}

function nextOf<D>(node: Node<D>, path: string, at: number): Node<D> | undefined {
  const index = path.charCodeAt(at) - node.first
  if (index < 0 || index >= node.next.length) return undefined
  const next = node.next[index]
  return next && follows(path, at, next.text) ? next : undefined
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
