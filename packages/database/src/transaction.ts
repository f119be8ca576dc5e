import { type Checks, type Context, checkOptions, type Handler, type MaybePromise, options, type Reply } from '@gatelet/core'
import type { Database, QueryResult, Row, Transaction } from './database.ts'
import { inTransaction } from './in-transaction.ts'
import { inputReader } from './input/input-of.ts'
import { type JobOptions, jobChecks, jobOf } from './job.ts'
import { type InputOptions, inputChecks } from './query/options.ts'
import { compiled, type Dialect, type Input, type Statement } from './sql/compile.ts'
import type { Sql } from './sql/sql.ts'

/** Several statements as a route. */
export interface TransactionOptions<S extends object = {}, Value = unknown> extends JobOptions<S>, InputOptions<S, Value> {
  /**
   * Asks the statements, and makes the reply. It may run several times (`retries`), so it does nothing but that. What it throws, and
   * a reply of 400 and more, rolls everything back.
   */
  run: (statements: Statements, input: Value, ctx: Context<S>) => MaybePromise<Reply>
}

/** Statements in one transaction, one after the other. */
export interface Statements {
  /** The first row; undefined where there is none. */
  one<N extends object>(statement: Sql<N>, input: NoInfer<N>): Promise<Row | undefined>
  many<N extends object>(statement: Sql<N>, input: NoInfer<N>): Promise<readonly Row[]>
  /** @returns how many rows it has changed */
  exec<N extends object>(statement: Sql<N>, input: NoInfer<N>): Promise<number>
}

const checks: Checks<TransactionOptions> = {
  ...jobChecks,
  ...inputChecks,
  run: options.fn<TransactionOptions['run']>('a function (statements, input, ctx) => Reply'),
}

/**
 * Answers by several statements in one transaction: all of what they change stays, or nothing. Where it met another that changed the same
 * (40001, 40P01), it is made again after a pause of chance.
 * @throws GatewayError `BAD_OPTION`
 */
export function transaction<S extends object = {}, Value = unknown>(given: TransactionOptions<S, Value>): Handler<S> {
  const checked = checkOptions<TransactionOptions>('transaction', given, checks)
  const job = jobOf(checked as unknown as JobOptions<S>)
  const { database } = job
  const run = checked.run as unknown as TransactionOptions<S, Value>['run']
  const input = inputReader<S>(checked as never)
  return async function transaction(ctx) {
    const read = await input(ctx)
    if ('refusal' in read) return read.refusal
    return inTransaction(job, ctx, async (begun) => {
      const reply = await run(statementsIn(begun, database), read.input as Value, ctx)
      return { result: reply, isKept: !(reply.status >= 400) }
    })
  }
}

function statementsIn(transaction: Transaction, { dialect }: Database): Statements {
  const ask = async <N extends object>(statement: Sql<N>, input: N): Promise<QueryResult> => {
    const { text, values } = prepared(statement as Sql<never>, dialect)(input as Input)
    return transaction.query(text, values)
  }
  return {
    one: async (statement, input) => (await ask(statement, input)).rows[0],
    many: async (statement, input) => (await ask(statement, input)).rows,
    exec: async (statement, input) => (await ask(statement, input)).count,
  }
}

// Statements are constants of the program, so there are no more of these than it has.
const known: Readonly<Record<Dialect, WeakMap<Sql<never>, (input: Input) => Statement>>> = {
  postgresql: new WeakMap(),
  sqlite: new WeakMap(),
}

function prepared(statement: Sql<never>, dialect: Dialect): (input: Input) => Statement {
  const before = known[dialect].get(statement)
  if (before) return before
  const made = compiled(statement, dialect, 'sql')
  known[dialect].set(statement, made)
  return made
}
