import { PGlite } from '@electric-sql/pglite'
import { type Database, type PgDatabaseOptions, pgDatabase, pgliteDatabase, postgresDatabase } from '@gatelet/database'
import { type RunningPostgres, requirePostgres, startPostgres } from '@gatelet/testing'
import { Pool, type PoolConfig } from 'pg'
import postgres from 'postgres'

/** A database for tests, and what looks at it without the code under test. */
export interface Scene extends AsyncDisposable {
  readonly database: Database
  ask(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** Undefined for PGlite. */
  readonly server: RunningPostgres | undefined
}

/** Whether there is a server of PostgreSQL. */
export const hasServer: boolean = requirePostgres() !== undefined

/** PostgreSQL by `pg`. */
export async function pgScene(pool: PoolConfig = {}, options: PgDatabaseOptions = {}): Promise<Scene & { pool: Pool }> {
  const server = await startPostgres()
  const made = new Pool({ connectionString: server.url, max: 5, ...pool })
  return { pool: made, database: pgDatabase(made, options), ...(await askedApart(server, () => made.end())) }
}

/** PostgreSQL by `postgres`. */
export async function postgresScene(): Promise<Scene> {
  const server = await startPostgres()
  const sql = postgres(server.url, { max: 5, onnotice: () => {} })
  return { database: postgresDatabase(sql), ...(await askedApart(server, () => sql.end({ timeout: 1 }))) }
}

/** PGlite. */
async function pgliteScene(): Promise<Scene> {
  const lite = await PGlite.create()
  return {
    database: pgliteDatabase(lite),
    server: undefined,
    ask: async (text, values) => {
      if (values) return (await lite.query(text, values)).rows as Record<string, unknown>[]
      return ((await lite.exec(text)).at(-1)?.rows ?? []) as Record<string, unknown>[]
    },
    [Symbol.asyncDispose]: () => lite.close(),
  }
}

async function askedApart(server: RunningPostgres, end: () => Promise<unknown>) {
  const pool = new Pool({ connectionString: server.url, max: 2 })
  pool.on('error', () => {})
  return {
    server,
    ask: async (text: string, values?: unknown[]) => {
      const result = await pool.query(text, values)
      return (Array.isArray(result) ? result.at(-1) : result).rows as Record<string, unknown>[]
    },
    async [Symbol.asyncDispose]() {
      await end()
      await pool.end()
      await server.close()
    },
  }
}

/** The databases that all must answer alike. */
export const scenes: readonly (readonly [string, () => Promise<Scene>])[] = [
  ['PGlite', pgliteScene],
  ...(hasServer
    ? ([
        ['PostgreSQL by pg', pgScene],
        ['PostgreSQL by postgres', postgresScene],
      ] as const)
    : []),
]
