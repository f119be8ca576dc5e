import { GatewayError, json } from '@gatelet/core'
import { bind, query, type SqliteLike, type Statements, sql, sqliteDatabase, transaction } from '@gatelet/database'
import { call, virtualClock } from '@gatelet/testing'
import sqlite from 'node-sqlite3-wasm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

let file: InstanceType<typeof sqlite.Database>
beforeEach(() => {
  file = new sqlite.Database(':memory:')
  file.exec('create table notes (id integer primary key); insert into notes values (1), (2), (3)')
})
afterEach(() => file.close())

const opened = (client: SqliteLike = file as never) => sqliteDatabase(client, { values: 'list' })
const ids = () => (file.all('select id from notes order by id') as { id: number }[]).map(({ id }) => id)
const all = sql`select id from notes order by id`
const add = sql`insert into notes values (${bind('id')})`

test('a read leaves the connection as it was: the program writes by it, too', async () => {
  const list = query({ database: opened(), mode: 'many', sql: all })
  expect(await (await call(list)).json()).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  file.exec('insert into notes values (4)')
  expect(ids()).toEqual([1, 2, 3, 4])
})

test('GET cannot write, and POST after it can', async () => {
  const write = query({ database: opened(), mode: 'exec', input: z.object({}).transform(() => ({ id: 4 })), sql: add })
  expect((await call(write)).status).toBe(405)
  expect((await call(write, 'POST /')).status).toBe(204)
  expect(ids()).toEqual([1, 2, 3, 4])
})

test('a stream that nobody reads keeps the connection for idleMs, and no longer', async () => {
  const clock = virtualClock()
  const database = opened()
  const stream = query({ database, mode: 'stream', batchRows: 1, clock, timeouts: { idleMs: 500 }, sql: all })
  const left = await call(stream)
  const other = call(query({ database, mode: 'many', sql: all }))
  await clock.advance(500)
  expect((await other).status).toBe(200)
  await expect(left.text()).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' })
  expect(clock.pending).toBe(0)
})

test('a statement that comes after the end is not one of the next transaction', async () => {
  const database = opened()
  let kept: Statements | undefined
  const handler = transaction({
    database,
    run(statements) {
      kept = statements
      return json({ ok: true })
    },
  })
  expect((await call(handler, 'POST /')).status).toBe(200)
  await expect(kept?.exec(add, { id: 9 })).rejects.toMatchObject({ code: 'INTERNAL' })
  expect(ids()).toEqual([1, 2, 3])
})

describe('a client that fails', () => {
  const failing = (when: string): SqliteLike => ({
    prepare: (text) => file.prepare(text) as never,
    exec(text) {
      if (text === when) throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })
      file.exec(text)
    },
  })

  test.each(['COMMIT', 'BEGIN IMMEDIATE'])('at %s keeps nothing, and the next request is answered', async (when) => {
    const client = failing(when)
    const database = opened(client)
    const write = query({ database, mode: 'exec', input: z.object({}).transform(() => ({ id: 4 })), sql: add })
    expect((await call(write, 'POST /')).status).toBe(503)
    expect(ids()).toEqual([1, 2, 3])
    // Undone with the transaction: another can begin.
    expect((await call(query({ database: opened(), mode: 'many', sql: all }))).status).toBe(200)
  })

  test('at the end of a cursor leaves no transaction open', async () => {
    let isBroken = true
    const client: SqliteLike = {
      prepare(text) {
        const statement = file.prepare(text)
        return {
          all: (...values: never[]) => statement.all(...values) as unknown,
          run: (...values: never[]) => statement.run(...values),
          iterate: (...values: never[]) => statement.iterate(...values) as Iterable<unknown>,
          finalize() {
            statement.finalize()
            if (isBroken) throw new GatewayError('INTERNAL', { message: 'finalize' })
          },
        }
      },
      exec: (text) => void file.exec(text),
    }
    const list = query({ database: opened(client), mode: 'one', sql: sql`select id from notes where id = 7` })
    expect((await call(list)).status).toBe(500)
    isBroken = false
    expect((await call(list)).status).toBe(404)
  })
})

test('roles and claims are refused when the program starts: SQLite has neither', () => {
  const route = { database: opened(), mode: 'many', sql: all } as const
  expect(() => query({ ...route, role: 'reader' })).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'role' }))
  expect(() => query({ ...route, claims: () => ({}) })).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'claims' }))
})
