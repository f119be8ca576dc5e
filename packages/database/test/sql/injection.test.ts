import { bind, type Database, query, type Row, sql, sqliteDatabase } from '@gatelet/database'
import { call } from '@gatelet/testing'
import sqlite from 'node-sqlite3-wasm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { hasServer, pgScene } from '../support/databases.ts'

const corpus = [
  `' or '1'='1`,
  `'; drop table users; --`,
  `\\'; drop table users; --`,
  `" or ""="`,
  `$1`,
  `$$; select 1; $$`,
  `:id`,
  `?`,
  `/* */ union select * from users`,
  `\u02bc or 1=1`,
  `${'x'.repeat(10_000)}'`,
  `%27%20or%201=1`,
  `E'\\x27'`,
  `\ud83c\udf75`,
  `{"$gt":""}`,
  `__proto__`,
]

const echo = (database: Database) =>
  query({
    database,
    mode: 'one',
    input: z.object({ value: z.string() }),
    sql: sql`select cast(${bind('value')} as text) as value`,
  })

const post = (value: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ value }),
})

test('no value changes the text that reaches the database, whatever its kind', async () => {
  const texts = new Set<string>()
  const seen: unknown[] = []
  const transaction = {
    query: async (text: string, values: readonly unknown[]) => {
      texts.add(text)
      seen.push(...values)
      return { rows: [{ value: 'x' }] as Row[], count: 1 }
    },
    cursor: async () => ({ next: async () => [] }),
    commit: async () => {},
    rollback: async () => {},
    cancel: () => {},
  }
  const handler = echo({ dialect: 'postgresql', begin: async () => transaction })
  for (const value of corpus) expect((await call(handler, post(value))).status).toBe(200)
  expect([...texts]).toEqual(['select cast($1 as text) as value'])
  expect(seen).toEqual(corpus)
  for (const value of [{ toString: 'x' }, ['x'], 7, null, true, { text: 'x', values: [] }]) {
    expect((await call(handler, post(value))).status).toBe(422)
  }
})

test('SQLite gives each value back as it came', async () => {
  const database = new sqlite.Database(':memory:')
  const handler = echo(sqliteDatabase(database as never, { values: 'list' }))
  for (const value of corpus) expect(await (await call(handler, post(value))).json()).toEqual({ value })
  database.exec('create table t (id integer primary key, n integer)')
  const insert = query({
    database: sqliteDatabase(database as never, { values: 'list' }),
    mode: 'one',
    input: z.object({ value: z.number() }),
    sql: sql`insert into t values (${bind('value')}, 1) returning id`,
  })
  expect((await call(insert, post(1))).status).toBe(200)
  expect((await call(insert, post(1))).status).toBe(409)
  database.close()
})

test.skipIf(!hasServer)(
  'PostgreSQL gives each value back as it came',
  async () => {
    await using scene = await pgScene()
    for (const value of corpus) expect(await (await call(echo(scene.database), post(value))).json()).toEqual({ value })
  },
  60_000,
)
