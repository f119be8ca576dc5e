import { GatewayError, options } from '@gatelet/core'
import { Bind, Choice, type Piece, type Sql } from './sql.ts'
import { postgresText, sqliteValue } from './values.ts'

/** What a database speaks. */
export type Dialect = 'postgresql' | 'sqlite'

/** A statement with the values of one request. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** What a statement takes its values from. */
export type Input = Readonly<Record<string, unknown>>

/**
 * Makes the text of a statement when the program starts, and gives what fills in the values. Where it has choices, there is a text
 * for each way to choose, made when it is first asked for: all of them are constants of the program.
 * @throws GatewayError `BAD_OPTION` for an empty one, and one with a semicolon at its end
 */
export function compiled(statement: Sql<never>, dialect: Dialect, path: string): (input: Input) => Statement {
  checkText(statement, path)
  const known = new Map<string, Compiled>()
  const chosen = (input: Input): Compiled => {
    const names: string[] = []
    const pieces = chosenPieces(statement.pieces, input, names)
    const key = names.join('\0')
    const found = known.get(key) ?? compile(pieces, dialect)
    known.set(key, found)
    return found
  }
  const hasChoice = statement.pieces.some((piece) => piece instanceof Choice)
  const constant = hasChoice ? undefined : compile(statement.pieces, dialect)
  return (input) => {
    const { text, binds } = constant ?? chosen(input)
    return { text, values: binds.map((bind) => boundValue(bind, input, dialect)) }
  }
}

interface Compiled {
  readonly text: string
  readonly binds: readonly Bind<never>[]
}

function checkText({ pieces }: Sql<never>, path: string): void {
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : '?')).join('')
  if (text.trim() === '') throw options.wrong(text, path, 'a statement')
  if (text.trimEnd().endsWith(';')) throw options.wrong(text, path, 'one statement without a semicolon behind it')
}

function compile(pieces: readonly Piece[], dialect: Dialect): Compiled {
  const binds: Bind<never>[] = []
  let text = ''
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece
    else if (piece instanceof Bind) text += placeOf(piece, binds, dialect)
  }
  return { text, binds }
}

function placeOf(bind: Bind<never>, binds: Bind<never>[], dialect: Dialect): string {
  // By `?` in SQLite: not all of its clients take numbered places with a list of values.
  if (dialect === 'sqlite') {
    binds.push(bind)
    return '?'
  }
  const known = binds.findIndex(({ name, isJson }) => name === bind.name && isJson === bind.isJson)
  return `$${known < 0 ? binds.push(bind) : known + 1}`
}

function chosenPieces(pieces: readonly Piece[], input: Input, chosen: string[]): Piece[] {
  return pieces.flatMap((piece) => {
    if (!(piece instanceof Choice)) return [piece]
    const name = own(input, piece.name)
    const text = typeof name === 'string' ? piece.texts.get(name) : undefined
    if (!text) {
      const detail = `${piece.name} must be one of ${[...piece.texts.keys()].join(', ')}`
      throw new GatewayError('INVALID_REQUEST', { detail })
    }
    chosen.push(name as string)
    return chosenPieces(text.pieces, input, chosen)
  })
}

function boundValue({ name, isOptional, isJson }: Bind<never>, input: Input, dialect: Dialect): unknown {
  const value = own(input, name)
  // Not null: a statement such as "owner = $1 or $1 is null" would then give what a forgotten value should have kept back.
  if (value === undefined && !isOptional) {
    throw new GatewayError('INTERNAL', { message: `the input has no ${name}, which the statement needs` })
  }
  if (isJson) return value === undefined ? null : JSON.stringify(value)
  return dialect === 'sqlite' ? sqliteValue(value) : postgresText(value)
}

const own = (input: Input, name: string) => (Object.hasOwn(input, name) ? input[name] : undefined)
