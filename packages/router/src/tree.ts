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

/** Path patterns as a tree of segments. */
export class PathTree<D> {
  private readonly root: Node<D> = emptyNode()

  add(route: Route<D>): void {
    let node = this.root
    for (const segment of route.path.segments) node = segment === null ? paramOf(node) : fixedOf(node, segment)
    leafOf(node, route.path.isPrefix ? 'prefix' : 'exact').add(route)
  }

  /**
   * The first answer of `look` that is not undefined, over all patterns that match, in the order of precedence: segment by
   * segment, static before parameter before rest. It tries every way once and stands on each node of the tree at most
   * once, whatever the path.
   * @param segments of the path, of which one more than the deepest pattern has is enough
   */
  first<R>(segments: readonly string[], look: (leaf: Leaf<D>) => R | undefined): R | undefined {
    return walk(this.root, segments, 0, look)
  }
}

function walk<D, R>(
  node: Node<D>,
  segments: readonly string[],
  depth: number,
  look: (leaf: Leaf<D>) => R | undefined,
): R | undefined {
  const segment = segments[depth]
  let answer: R | undefined
  if (segment === undefined) {
    answer = node.exact && look(node.exact)
  } else {
    const fixed = node.fixed.get(segment)
    answer = fixed && walk(fixed, segments, depth + 1, look)
    // An empty segment (a slash at the end) names nothing.
    if (answer === undefined && node.param && segment !== '') answer = walk(node.param, segments, depth + 1, look)
  }
  return answer ?? (node.prefix && look(node.prefix))
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
