/** One segment of a path: a literal, `*` for any one, `**` for all that are left. */
export type Segment = { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'one' } | { readonly kind: 'rest' }

/** A variable and the segments that it takes. */
export interface Variable {
  readonly path: readonly string[]
  readonly from: number
  /** Undefined: to the end of the path. */
  readonly to: number | undefined
  /** It is more than one `*`: an encoded slash in it stays encoded. */
  readonly isMulti: boolean
}

/** A path template of `google.api.http`. */
export interface Template {
  readonly segments: readonly Segment[]
  readonly variables: readonly Variable[]
  /** What follows the last `:`. Empty for none. */
  readonly verb: string
}

/**
 * Reads a template: `"/" Segments [ ":" Verb ]`, where a segment is `*`, `**`, a literal, or `{field.path=segments}`
 * (google/api/http.proto).
 * @throws Error that says what is wrong, and where
 */
export function parseTemplate(text: string): Template {
  return new Parser(text).template()
}

class Parser {
  private readonly text: string
  private at = 0
  private readonly segments: Segment[] = []
  private readonly variables: Variable[] = []

  constructor(text: string) {
    this.text = text
  }

  template(): Template {
    this.expect('/')
    this.list(true)
    const verb = this.accept(':') ? this.literal('a verb') : ''
    if (this.at < this.text.length) throw this.wrong('the end, "/" or ":"')
    const rest = this.segments.findIndex(({ kind }) => kind === 'rest')
    if (rest >= 0 && rest < this.segments.length - 1)
      throw new Error(`"**" must be the last segment of ${JSON.stringify(this.text)}`)
    return { segments: this.segments, variables: this.variables, verb }
  }

  private list(mayHoldVariables: boolean): void {
    do this.segment(mayHoldVariables)
    while (this.accept('/'))
  }

  private segment(mayHoldVariables: boolean): void {
    if (this.accept('**')) this.segments.push({ kind: 'rest' })
    else if (this.accept('*')) this.segments.push({ kind: 'one' })
    else if (mayHoldVariables && this.accept('{')) this.variable()
    else this.segments.push({ kind: 'literal', text: this.literal('a segment') })
  }

  private variable(): void {
    const path = [this.name()]
    while (this.accept('.')) path.push(this.name())
    const from = this.segments.length
    if (this.accept('=')) this.list(false)
    else this.segments.push({ kind: 'one' })
    this.expect('}')
    const own = this.segments.slice(from)
    const isRest = own.at(-1)?.kind === 'rest'
    const same = this.variables.some((other) => other.path.join('.') === path.join('.'))
    if (same) throw new Error(`${path.join('.')} stands twice in ${JSON.stringify(this.text)}`)
    const isMulti = own.length > 1 || isRest
    this.variables.push({ path, from, to: isRest ? undefined : this.segments.length, isMulti })
  }

  private name(): string {
    return this.take(/[A-Za-z_][A-Za-z0-9_]*/y, 'the name of a field')
  }

  // Percent-encoded bytes too; what a path may hold but what the template means something by.
  private literal(what: string): string {
    return this.take(/(?:[A-Za-z0-9._~!$&'()+,;@-]|%[0-9A-Fa-f]{2})+/y, what)
  }

  private take(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at
    const [found] = pattern.exec(this.text) ?? []
    if (found === undefined) throw this.wrong(what)
    this.at += found.length
    return found
  }

  private accept(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw this.wrong(JSON.stringify(text))
  }

  private wrong(expected: string): Error {
    return new Error(`the template ${JSON.stringify(this.text)} must have ${expected} at character ${this.at + 1}`)
  }
}
