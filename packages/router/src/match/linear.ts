/**
 * Why a regular expression may take more time than in proportion to the text, when it has to match the whole of it; undefined
 * when it never does. Completes "a RegExp …".
 *
 * A backtracking engine is linear where the next character always decides: whether a repeat goes on, and which alternative
 * is taken. One repeat of single characters may overlap with what follows it, as in `.*\.png`, when that is 100 characters at most.
 * What cannot be shown to be so is refused, and so is what this reader does not know.
 */
export function whyNotLinear({ source, flags }: RegExp): string | undefined {
  if (/[^iu]/.test(flags) || flags === 'iu') return 'with no flags, or with i or u alone'
  try {
    const whole = new Reader(source, flags).read()
    check(whole, nothing, freeRepeat(whole))
    return undefined
  } catch (reason) {
    if (reason instanceof Refused) return reason.message
    throw reason
  }
}

class Refused extends Error {}

// Characters as bits: one for each of ASCII, one for all others together.
type Chars = bigint
const nothing: Chars = 0n
const others: Chars = 1n << 128n
const everything: Chars = (1n << 129n) - 1n
const charsOf = (text: string): Chars => [...text].reduce((set, char) => set | charOf(char.codePointAt(0) as number), nothing)
const charOf = (code: number): Chars => (code < 128 ? 1n << BigInt(code) : others)
const not = (chars: Chars): Chars => (everything & ~chars) | others

function rangeOf(from: number, to: number): Chars {
  let chars = nothing
  for (let code = from; code <= Math.min(to, 128); code++) chars |= charOf(code)
  return chars | charOf(to)
}

const digits = rangeOf(0x30, 0x39)
const word = digits | rangeOf(0x41, 0x5a) | rangeOf(0x61, 0x7a) | charsOf('_')
const space = charsOf('\t\n\v\f\r ') | others
const classes: Readonly<Record<string, Chars>> = {
  d: digits,
  D: not(digits),
  w: word,
  W: not(word),
  s: space,
  S: not(space),
  p: everything,
  P: everything,
}
const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', v: '\v', f: '\f', r: '\r', 0: '\0' }

type Node =
  | { readonly kind: 'char'; readonly chars: Chars }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number }

function isNullable(node: Node): boolean {
  if (node.kind === 'char') return false
  if (node.kind === 'repeat') return node.min === 0 || isNullable(node.node)
  return node.kind === 'sequence' ? node.nodes.every(isNullable) : node.nodes.some(isNullable)
}

/** The characters with which something that the node matches begins. */
function firstOf(node: Node): Chars {
  if (node.kind === 'char') return node.chars
  if (node.kind === 'repeat') return firstOf(node.node)
  let first = nothing
  for (const each of node.nodes) {
    first |= firstOf(each)
    if (node.kind === 'sequence' && !isNullable(each)) break
  }
  return first
}

/** @param follow the characters that may stand behind the node @param free the one repeat that may overlap with them */
function check(node: Node, follow: Chars, free: Node | undefined): void {
  if (node.kind === 'sequence') checkSequence(node.nodes, follow, free)
  else if (node.kind === 'choice') checkChoice(node.nodes, follow)
  else if (node.kind === 'repeat') checkRepeat(node, follow, free)
}

function checkSequence(nodes: readonly Node[], follow: Chars, free: Node | undefined): void {
  let behind = follow
  for (const node of nodes.toReversed()) {
    check(node, behind, free)
    behind = firstOf(node) | (isNullable(node) ? behind : nothing)
  }
}

function checkChoice(nodes: readonly Node[], follow: Chars): void {
  let taken = nothing
  for (const node of nodes) {
    const first = firstOf(node) | (isNullable(node) ? follow : nothing)
    if ((taken & first) !== nothing) throw new Refused('whose alternatives begin with different characters')
    taken |= first
    check(node, follow, undefined)
  }
  if (nodes.filter(isNullable).length > 1) throw new Refused('in which one alternative at most may be empty')
}

function checkRepeat(repeat: Extract<Node, { kind: 'repeat' }>, follow: Chars, free: Node | undefined): void {
  const { node, min, max } = repeat
  if (isNullable(node)) throw new Refused('that repeats nothing which may be empty')
  const first = firstOf(node)
  if (repeat !== free && min !== max && (first & follow) !== nothing) {
    throw new Refused('in which no repeat can also take the beginning of what follows it')
  }
  check(node, max > 1 ? first | follow : follow, undefined)
}

/** The repeat that may overlap with what follows: of single characters, once, with little behind it. */
function freeRepeat(whole: Node): Node | undefined {
  if (whole.kind !== 'sequence') return undefined
  const last = whole.nodes.findLastIndex((node) => lengthOf(node) === Number.POSITIVE_INFINITY)
  const behind = whole.nodes.slice(last + 1).reduce((sum, node) => sum + lengthOf(node), 0)
  const repeat = behind > MAX_BEHIND ? undefined : whole.nodes[last]
  return repeat?.kind === 'repeat' && repeat.node.kind === 'char' ? repeat : undefined
}

/** How many characters a node takes at most. */
function lengthOf(node: Node): number {
  if (node.kind === 'char') return 1
  if (node.kind === 'repeat') return node.max === 0 ? 0 : node.max * lengthOf(node.node)
  const lengths = node.nodes.map(lengthOf)
  return node.kind === 'choice' ? Math.max(...lengths) : lengths.reduce((sum, length) => sum + length, 0)
}

// They are tried behind each character of the text: of 16,000 characters, 1,000 behind take 50 ms, 16,000 nearly a second.
const MAX_BEHIND = 100

// Each step of a bounded repeat may be taken for each character of the text.
const MAX_COUNT = 1_000

/** Reads what `RegExp` has accepted already. */
class Reader {
  private at = 0
  private readonly source: string
  private readonly ignoresCase: boolean
  private readonly isUnicode: boolean

  constructor(source: string, flags: string) {
    this.source = source
    this.ignoresCase = flags.includes('i')
    this.isUnicode = flags.includes('u')
  }

  read(): Node {
    const node = this.choice(0)
    if (this.at < this.source.length) throw this.unknown()
    return node
  }

  private choice(depth: number): Node {
    const nodes = [this.sequence(depth)]
    while (this.take('|')) nodes.push(this.sequence(depth))
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'choice', nodes }
  }

  private sequence(depth: number): Node {
    const nodes: Node[] = []
    // The whole text has to match in any case.
    if (depth === 0) this.take('^')
    while (this.at < this.source.length && !/[|)]/.test(this.source[this.at] as string)) {
      if (depth === 0 && this.take('$')) {
        if (this.at < this.source.length && this.source[this.at] !== '|') throw this.unknown()
        break
      }
      nodes.push(this.repeated(this.atom(depth)))
    }
    return { kind: 'sequence', nodes }
  }

  private repeated(node: Node): Node {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.source.slice(this.at))
    if (!found) return node
    this.at += found[0].length
    const [, least, comma, most] = found
    const sign = found[0][0] as '*' | '+' | '?' | '{'
    const [min, max] = {
      '*': [0, Number.POSITIVE_INFINITY],
      '+': [1, Number.POSITIVE_INFINITY],
      '?': [0, 1],
      '{': [Number(least), comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)],
    }[sign] as [number, number]
    if (min > MAX_COUNT || (max > MAX_COUNT && max !== Number.POSITIVE_INFINITY))
      throw new Refused(`that counts up to ${MAX_COUNT} at most`)
    return { kind: 'repeat', node, min, max }
  }

  private atom(depth: number): Node {
    if (this.take('(')) return this.group(depth)
    if (this.take('[')) return { kind: 'char', chars: this.set() }
    if (this.take('.')) return { kind: 'char', chars: not(charsOf('\n\r')) }
    if (this.take('\\')) return { kind: 'char', chars: this.cased(this.escape()) }
    const char = this.next()
    if ('^$*+?{'.includes(char)) throw this.unknown()
    return { kind: 'char', chars: this.cased(charsOf(char)) }
  }

  private group(depth: number): Node {
    const kind = /^\?(?::|<[A-Za-z_]\w*>)/.exec(this.source.slice(this.at))
    if (!kind && this.source[this.at] === '?') throw new Refused('without look-around')
    this.at += kind ? kind[0].length : 0
    const node = this.choice(depth + 1)
    if (!this.take(')')) throw this.unknown()
    return node
  }

  private escape(): Chars {
    const char = this.next()
    if (char === 'b' || char === 'B') throw new Refused('without \\b and \\B')
    if (/[1-9k]/.test(char)) throw new Refused('without back-references')
    const known = classes[char]
    if (known !== undefined) {
      if (/[pP]/.test(char) && !(this.isUnicode && this.pass(/^\{[^}]*\}/))) throw this.unknown()
      return known
    }
    return charOf(this.escapedCode(char))
  }

  private escapedCode(char: string): number {
    const control = controls[char]
    if (control !== undefined && !(char === '0' && /\d/.test(this.source[this.at] ?? ''))) return control.charCodeAt(0)
    const hex = char === 'x' ? this.pass(/^[\da-f]{2}/i) : char === 'u' ? this.unicodeEscape() : undefined
    if (hex !== undefined) return Number.parseInt(hex.replace('{', ''), 16)
    if (/[A-Za-z0-9]/.test(char)) throw this.unknown()
    return char.codePointAt(0) as number
  }

  private unicodeEscape(): string | undefined {
    return this.pass(this.isUnicode ? /^(?:[\da-f]{4}|\{[\da-f]+\})/i : /^[\da-f]{4}/i)
  }

  private set(): Chars {
    const isNegated = this.take('^')
    let chars = nothing
    while (!this.take(']')) chars |= this.member()
    return isNegated ? not(this.cased(chars)) : this.cased(chars)
  }

  private member(): Chars {
    const from = this.memberCode()
    if (typeof from === 'bigint' || !/^-[^\]]/.test(this.source.slice(this.at)))
      return typeof from === 'bigint' ? from : charOf(from)
    this.at++
    const to = this.memberCode()
    if (typeof to === 'bigint') return charOf(from) | charsOf('-') | to
    return rangeOf(from, to)
  }

  private memberCode(): number | Chars {
    const char = this.next()
    if (char !== '\\') return char.codePointAt(0) as number
    if (this.take('b')) return 8
    if (/[dDwWsSpP]/.test(this.source[this.at] ?? '')) return this.escape()
    return this.escapedCode(this.next())
  }

  private cased(chars: Chars): Chars {
    if (!this.ignoresCase) return chars
    const [upper, lower] = [rangeOf(0x41, 0x5a), rangeOf(0x61, 0x7a)]
    return chars | ((chars & upper) << 32n) | ((chars & lower) >> 32n)
  }

  private take(char: string): boolean {
    if (this.source[this.at] !== char) return false
    this.at++
    return true
  }

  private next(): string {
    const code = this.source.codePointAt(this.at)
    if (code === undefined) throw this.unknown()
    const char = String.fromCodePoint(code)
    this.at += char.length
    return char
  }

  private pass(what: RegExp): string | undefined {
    const found = what.exec(this.source.slice(this.at))
    if (!found) return undefined
    this.at += found[0].length
    return found[0]
  }

  private unknown(): Refused {
    return new Refused(`that is plain at ${JSON.stringify(this.source.slice(Math.max(0, this.at - 1), this.at + 5))}`)
  }
}
