import { options } from '@gatelet/core'
import type { SqlValue } from './values.ts'

/** A place for a value. Only `bind` and its kin make them. */
export class Bind<in N extends object = never> {
  /** Exists in types only: what the input of a statement must hold. */
  declare readonly needs?: (have: N) => void
  readonly name: string
  readonly isOptional: boolean
  readonly isJson: boolean

  constructor(name: string, { isOptional = false, isJson = false }: { isOptional?: boolean; isJson?: boolean } = {}) {
    this.name = name
    this.isOptional = isOptional
    this.isJson = isJson
  }
}

/** A place where one of several texts stands, which an input names. Only `choice` makes them. */
export class Choice<in N extends object = never> {
  /** Exists in types only: what the input of a statement must hold. */
  declare readonly needs?: (have: N) => void
  readonly name: string
  readonly texts: ReadonlyMap<string, Sql<never>>

  constructor(name: string, texts: ReadonlyMap<string, Sql<never>>) {
    this.name = name
    this.texts = texts
  }
}

/** A statement, or a part of one. Only `sql` makes them, when the program starts. `N` is what its input must hold. */
export class Sql<in N extends object = never> {
  /** Exists in types only: what the input of a statement must hold. */
  declare readonly needs?: (have: N) => void
  readonly pieces: readonly Piece[]

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces
  }
}

/** A constant text, or a place. */
export type Piece = string | Bind<never> | Choice<never>

/** What may stand in a statement. A text, a number or anything else that a request could bring may not. */
export type SqlPart<N extends object = never> = Bind<N> | Choice<N> | Sql<N>

type NeedsOf<P> = P extends SqlPart<infer N> ? (have: N) => void : never
// What all of them need: TypeScript intersects what it infers of parameters.
type Joined<U> = [U] extends [never] ? {} : [U] extends [(have: infer N) => void] ? N : never

/**
 * Writes a statement, once, when the program starts. Its text is what stands in the program: values come in by `bind` alone,
 * and never become text. Anything else in `${}` does not compile, and is refused at run time, when the program starts.
 *
 * One statement, without a semicolon behind it. `$1` and the like are written by Gatelet.
 * @throws GatewayError `BAD_OPTION`
 * @example const order = sql`select id, total from orders where id = ${bind('id')}`
 */
export function sql<const P extends readonly SqlPart<never>[]>(
  strings: TemplateStringsArray,
  ...parts: P
): Sql<Joined<NeedsOf<P[number]>> & object> {
  // What a template literal gives is frozen and has `raw`: a list of texts that somebody has put together is neither.
  if (!isTemplate(strings)) throw options.wrong(strings, 'sql', 'a template: sql`select …`')
  const pieces: Piece[] = []
  for (const [at, text] of strings.entries()) {
    if (typeof text !== 'string' || text.includes('\0')) throw options.wrong(text, 'sql', 'a template without broken escapes')
    pieces.push(text)
    if (at < parts.length) pieces.push(...piecesOf(parts[at], at))
  }
  return new Sql(pieces)
}

/**
 * A value of the input.
 * @param name of letters, digits and `_`; named again, it is the same value
 * @throws GatewayError `BAD_OPTION`
 */
export function bind<const K extends string>(name: K): Bind<{ readonly [P in K]: SqlValue }> {
  return new Bind(nameOf(name))
}

/** A value of the input that may be missing: then it is null. @throws GatewayError `BAD_OPTION` */
export function bindOptional<const K extends string>(name: K): Bind<{ readonly [P in K]?: SqlValue | undefined }> {
  return new Bind(nameOf(name), { isOptional: true })
}

/** Any value of the input, as JSON: for `json` and `jsonb`. @throws GatewayError `BAD_OPTION` */
export function bindJson<const K extends string>(name: K): Bind<{ readonly [P in K]: unknown }> {
  return new Bind(nameOf(name), { isJson: true })
}

/**
 * One of several texts, of which the input names one: the column to sort by, for example. The schema should list the names;
 * a name that is not here is refused with 400.
 * @throws GatewayError `BAD_OPTION`
 * @example sql`select * from orders order by ${choice('sort', { newest: sql`created_at desc`, price: sql`price` })}, id`
 */
export function choice<const K extends string, const T extends Readonly<Record<string, Sql<never>>>>(
  name: K,
  texts: T,
): Choice<{ readonly [P in K]: keyof T } & Joined<NeedsOf<T[keyof T]>>> {
  const entries = Object.entries(texts)
  for (const [each, text] of entries) if (!(text instanceof Sql)) throw options.wrong(text, `choice.${each}`, 'made by sql`…`')
  if (entries.length === 0) throw options.wrong(texts, 'choice', 'an object with at least one name')
  return new Choice(nameOf(name), new Map(entries))
}

/**
 * The version that `If-Match` names, as text; null for `*` and where there is no such field. A write that uses it and changes no
 * row of it is answered 412.
 * @example sql`update orders set total = ${bind('total')}, version = version + 1
 *   where id = ${bind('id')} and (${ifMatch}::int is null or version = ${ifMatch}) returning *`
 */
// The name is none that `bind` takes.
export const ifMatch: Bind<object> = new Bind('if-match')

/** Whether a statement has a place of this name. */
export function uses(statement: Sql<never>, name: string): boolean {
  return statement.pieces.some(
    (piece) =>
      (piece instanceof Bind && piece.name === name) ||
      (piece instanceof Choice && [...piece.texts.values()].some((text) => uses(text, name))),
  )
}

function isTemplate(strings: unknown): strings is TemplateStringsArray {
  const raw = Array.isArray(strings) ? (strings as Partial<TemplateStringsArray>).raw : undefined
  return Array.isArray(raw) && Object.isFrozen(strings) && Object.isFrozen(raw)
}

function piecesOf(part: unknown, at: number): readonly Piece[] {
  if (part instanceof Sql) return part.pieces
  if (part instanceof Bind || part instanceof Choice) return [part]
  // Nothing of the value: it may be a password.
  throw options.wrong(undefined, `sql.parts[${at}]`, 'bind(name), choice(name, texts) or sql`…`; a value is never text')
}

function nameOf(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_]\w{0,62}$/.test(name) || name === '__proto__')
    throw options.wrong(name, 'bind', 'a name of letters, digits and _')
  return name
}
