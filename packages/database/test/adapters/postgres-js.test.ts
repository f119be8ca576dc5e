import { type PostgresQueryLike, type PostgresSqlLike, postgresDatabase, query, sql } from '@gatelet/database'
import { exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

/** postgres.js with one connection, of which the statement `select 1` is answered when the test says so. */
function fake(canceller: () => Promise<void>) {
  const ends: string[] = []
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    answer = resolve
  })
  const begin: PostgresSqlLike['begin'] = async (work) => {
    const unsafe = (text: string): PostgresQueryLike => {
      const rows = Object.assign(text === 'select 1' ? asked.then(() => []) : Promise.resolve([]), { count: 0 })
      // As the real one does: it drops what the canceller promises.
      return Object.assign(rows, { canceller, cancel: () => void canceller() }) as never
    }
    // BEGIN.
    await Promise.resolve()
    try {
      await work({ unsafe })
      ends.push('commit')
    } catch (error) {
      ends.push('rollback')
      throw error
    }
  }
  return { client: { begin, unsafe: () => {}, typed: (value: never) => value }, ends, answer: () => answer() }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a server that cannot be told to cancel disturbs nobody', async () => {
  const { client, ends, answer } = fake(() => Promise.reject(new Error('ECONNREFUSED')))
  const handler = query({ database: postgresDatabase(client), mode: 'exec', sql: sql`select 1` })
  const left = exchange('POST /')
  const asked = left.ask(handler)
  await turn()
  left.abort()
  answer()
  expect((await asked).status).toBe(499)
  // Vitest fails the run for a rejection that nobody heard.
  await turn()
  expect(ends).toEqual(['rollback'])
})

test('a connection is not given on while a cancel for it is on its way, nor kept for ever', async () => {
  const clock = virtualClock()
  const { client, ends, answer } = fake(() => new Promise(() => {}))
  const database = postgresDatabase(client, { clock })
  const handler = query({ database, mode: 'exec', timeouts: { statementMs: 1_000 }, sql: sql`select 1` })
  const left = exchange('POST /')
  const asked = left.ask(handler)
  await turn()
  left.abort()
  answer()
  await turn()
  expect(ends).toEqual([])
  await clock.advance(3_000)
  expect((await asked).status).toBe(499)
  await turn()
  expect(ends).toEqual(['rollback'])
  expect(clock.pending).toBe(0)
})
