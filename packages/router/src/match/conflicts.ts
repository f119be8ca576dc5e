import { hostText } from '../host.ts'
import { type Place, routeText } from '../route.ts'
import { isWithin, type Matcher } from './matcher.ts'
import { isCovered, mayMeet } from './overlap.ts'

/** Two routes of a table of which somebody may expect the other to answer. */
export interface Conflict {
  /**
   * `overlap`: some requests fit both, while each takes others too, so that neither is a special case of the other.
   * `shadowed`: each request that fits the second fits the first as well, which goes before it: the second never answers.
   */
  readonly kind: 'overlap' | 'shadowed'
  /** The route that answers what fits both, as `GET api.example.com/users/:id (id: int)`. */
  readonly wins: string
  readonly loses: string
  /** The first rule of precedence that tells them apart. `order`: none but which was added earlier. */
  readonly decidedBy: 'path' | 'tenant' | 'method' | 'headers' | 'query' | 'priority' | 'order'
}

/**
 * Finds, for one route after the other, with which of those before it conflicts. Routes of different hosts never do: the more
 * specific host goes first, and so it is meant. Neither do two rules of a parameter of which one is asked first by its kind.
 * Functions among rules and conditions are taken for anything.
 */
export class Conflicts {
  private readonly byHost = new Map<string, Node>()
  private count = 0

  add(place: Place): Conflict[] {
    const added: Entry = { place, order: this.count++ }
    const conflicts = new Map<Entry, Conflict>()
    for (const host of place.hosts.length > 0 ? place.hosts.map(hostText) : ['']) {
      const root = this.byHost.get(host) ?? emptyNode()
      this.byHost.set(host, root)
      insert(root, added)
      for (const other of fitting(root, place)) {
        const conflict = other !== added && conflictOf(root, other, added)
        if (conflict) conflicts.set(other, conflict)
      }
    }
    return [...conflicts.values()]
  }

  /** Takes back one that was added. */
  remove(place: Place): void {
    for (const root of this.byHost.values()) {
      for (const entries of endsOf(root, place)) {
        const at = entries.findIndex((entry) => entry.place === place)
        if (at >= 0) entries.splice(at, 1)
      }
    }
  }
}

/** For messages: what is wrong with two routes. */
export function conflictText({ kind, wins, loses, decidedBy }: Conflict): string {
  if (kind === 'shadowed') return `${loses} never answers, since ${wins} takes all of it before`
  const by = decidedBy === 'order' ? 'it was added earlier' : `of its ${decidedBy}`
  return `${wins} and ${loses} overlap, and neither is a case of the other; the first would win because ${by}`
}

interface Entry {
  readonly place: Place
  readonly order: number
}

interface Node {
  readonly fixed: Map<string, Node>
  /** Each rule with its node, in the order in which they are asked. */
  readonly params: { readonly rule: Matcher | undefined; readonly node: Node }[]
  readonly exact: Entry[]
  readonly prefix: Entry[]
}

const emptyNode = (): Node => ({ fixed: new Map(), params: [], exact: [], prefix: [] })

function endsOf(root: Node, place: Place): Entry[][] {
  let node: Node | undefined = root
  for (let at = 0; node && at < place.path.segments.length; at++) node = stepOf(node, place, at).next
  return node ? [node.exact, node.prefix] : []
}

const ruleAt = ({ path }: Place, at: number) => path.params.find((param) => param.at === at)?.constraint

function insert(root: Node, entry: Entry): void {
  const { path } = entry.place
  let node = root
  for (const [at, segment] of path.segments.entries()) node = childOf(node, segment, ruleAt(entry.place, at))
  node[path.isPrefix ? 'prefix' : 'exact'].push(entry)
}

function childOf(node: Node, segment: string | null, rule: Matcher | undefined): Node {
  const found = segment === null ? node.params.find((edge) => edge.rule?.id === rule?.id)?.node : node.fixed.get(segment)
  if (found) return found
  const child = emptyNode()
  if (segment !== null) {
    node.fixed.set(segment, child)
    return child
  }
  node.params.push({ rule, node: child })
  node.params.sort((a, b) => rankOf(a.rule) - rankOf(b.rule)) // stable: of equal rank the one that came first
  return child
}

const rankOf = (rule: Matcher | undefined) => rule?.rank ?? 99

/** All whose paths may meet that of `place`, rules left aside. */
function* fitting(node: Node, place: Place, depth = 0): Iterable<Entry> {
  const { segments, isPrefix } = place.path
  yield* node.prefix
  if (depth === segments.length) {
    yield* node.exact
    if (isPrefix) for (const child of childrenOf(node)) yield* everything(child)
    return
  }
  const segment = segments[depth] as string | null
  for (const child of segment === null ? childrenOf(node) : childrenAt(node, segment)) yield* fitting(child, place, depth + 1)
}

function childrenOf(node: Node): Node[] {
  return [...node.fixed.values(), ...node.params.map((edge) => edge.node)]
}

function childrenAt(node: Node, segment: string): Node[] {
  const fixed = node.fixed.get(segment)
  return [...(fixed ? [fixed] : []), ...node.params.map((edge) => edge.node)]
}

function* everything(node: Node): Iterable<Entry> {
  yield* node.exact
  yield* node.prefix
  for (const child of childrenOf(node)) yield* everything(child)
}

function conflictOf(root: Node, a: Entry, b: Entry): Conflict | undefined {
  if (!mayMeet(a.place, b.place)) return undefined
  const { first, decidedBy } = precedence(root, a, b)
  const [wins, loses] = first === a ? [a, b] : [b, a]
  const texts = { wins: routeText(wins.place), loses: routeText(loses.place), decidedBy }
  if (isCovered(loses.place, wins.place)) return { kind: 'shadowed', ...texts }
  if (isCovered(wins.place, loses.place, isAskedFirst) || isCovered(loses.place, wins.place, isAskedFirst)) return undefined
  return { kind: 'overlap', ...texts }
}

// One that is asked first by its kind is the special case, whatever it accepts.
function isAskedFirst(a: Matcher | undefined, b: Matcher | undefined): boolean {
  return isWithin(a, b) || rankOf(a) < rankOf(b)
}

/** Which of two that may meet goes first, and by which rule. */
function precedence(root: Node, a: Entry, b: Entry): { first: Entry; decidedBy: Conflict['decidedBy'] } {
  const by = (difference: number, decidedBy: Conflict['decidedBy']) =>
    difference === 0 ? undefined : { first: difference < 0 ? a : b, decidedBy }
  const [one, other] = [a.place, b.place]
  return (
    byPath(root, a, b) ??
    by(rankOf(one.rest) - rankOf(other.rest), 'path') ??
    by(Number(!one.tenants) - Number(!other.tenants), 'tenant') ??
    by(methodRank(one, other) - methodRank(other, one), 'method') ??
    by(other.headers.length - one.headers.length, 'headers') ??
    by(other.query.length - one.query.length, 'query') ??
    by(other.priority - one.priority, 'priority') ?? { first: a.order < b.order ? a : b, decidedBy: 'order' }
  )
}

function byPath(root: Node, a: Entry, b: Entry): { first: Entry; decidedBy: 'path' | 'order' } | undefined {
  let node = root
  for (let at = 0; ; at++) {
    const [one, other] = [stepOf(node, a.place, at), stepOf(node, b.place, at)]
    if (one.rank !== other.rank || one.edge !== other.edge) {
      const difference = one.rank - other.rank || one.edge - other.edge
      return { first: difference < 0 ? a : b, decidedBy: one.rank === other.rank ? 'order' : 'path' }
    }
    if (!one.next) return undefined
    node = one.next
  }
}

/** How much a place says at one depth: lower for more; `edge` tells rules of one rank apart. */
function stepOf(node: Node, { path, ...place }: Place, at: number): { rank: number; edge: number; next: Node | undefined } {
  if (at === path.segments.length) return { rank: path.isPrefix ? 200 : -1, edge: 0, next: undefined }
  const segment = path.segments[at] as string | null
  if (segment !== null) return { rank: -1, edge: 0, next: node.fixed.get(segment) }
  const rule = ruleAt({ ...place, path }, at)
  const edge = node.params.findIndex((each) => each.rule?.id === rule?.id)
  return { rank: rankOf(rule), edge, next: node.params[edge]?.node }
}

// HEAD by its own name goes before HEAD by GET.
function methodRank({ method }: Place, { method: other }: Place): number {
  if (method === undefined) return 2
  return other?.includes('HEAD') && !other.includes('GET') && !method.includes('HEAD') ? 1 : 0
}
