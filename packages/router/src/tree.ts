import { Leaf } from './leaf.ts'
import type { Route } from './route.ts'

interface Node<D> {
  readonly fixed: Map<string, Node<D>>
  param: Node<D> | undefined
  /** Of patterns that end here. */
  exact: Leaf<D> | undefined
  /** Of patterns whose rest begins here. */
  prefix: Leaf<D> | undefined
}

/** Asked at each leaf on the way; `about` is what it needs to know, so that no look-up makes a function of its own. */
export type Look<D, A, R> = (leaf: Leaf<D>, about: A) => R | undefined

/** Path patterns as a tree of segments. */
export class PathTree<D> {
  private readonly root: Node<D> = emptyNode()
  private readonly whole = new Map<string, Leaf<D>>()

  add(route: Route<D>): void {
    const { segments, isPrefix, params } = route.path
    let node = this.root
    for (const segment of segments) node = segment === null ? paramOf(node) : fixedOf(node, segment)
    const leaf = leafOf(node, isPrefix ? 'prefix' : 'exact')
    leaf.add(route)
    if (!isPrefix && params.length === 0) this.whole.set(`/${segments.join('/')}`, leaf)
  }

  /**
   * The leaf of a path without parameters, found at once. Nothing goes before it: it is the one that `first` asks first.
   * @param path from where the look-up begins, at a slash
   */
  at(path: string): Leaf<D> | undefined {
    return this.whole.get(path)
  }

  /**
   * The first answer of `look` that is not undefined, over all patterns that match, in the order of precedence: segment by
   * segment, static before parameter before rest. It tries every way once and stands on each node of the tree at most
   * once, whatever the path.
   * @param from where in the path to begin, at a slash
   */
  first<A, R>(path: string, from: number, look: Look<D, A, R>, about: A): R | undefined {
    return walk(this.root, path, from + 1, look, about)
  }
}

/** @param start of the next segment; beyond the end of the path when there is none */
function walk<D, A, R>(node: Node<D>, path: string, start: number, look: Look<D, A, R>, about: A): R | undefined {
  let answer: R | undefined
  if (start > path.length) {
    answer = node.exact && look(node.exact, about)
  } else if (node.fixed.size > 0 || node.param) {
    const slash = path.indexOf('/', start)
    const end = slash < 0 ? path.length : slash
    const fixed = node.fixed.size > 0 ? node.fixed.get(path.slice(start, end)) : undefined
    answer = fixed && walk(fixed, path, end + 1, look, about)
    // An empty segment (a slash at the end) names nothing.
    if (answer === undefined && node.param && end > start) answer = walk(node.param, path, end + 1, look, about)
  }
  return answer ?? (node.prefix && look(node.prefix, about))
}

function emptyNode<D>(): Node<D> {
  return { fixed: new Map(), param: undefined, exact: undefined, prefix: undefined }
}

function paramOf<D>(node: Node<D>): Node<D> {
  node.param ??= emptyNode()
  return node.param
}

function fixedOf<D>(node: Node<D>, segment: string): Node<D> {
  const found = node.fixed.get(segment) ?? emptyNode()
  node.fixed.set(segment, found)
  return found
}

function leafOf<D>(node: Node<D>, end: 'exact' | 'prefix'): Leaf<D> {
  node[end] ??= new Leaf()
  return node[end]
}
