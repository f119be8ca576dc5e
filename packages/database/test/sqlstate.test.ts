import { errorTable } from '@gatelet/core'
import { query, sql, sqlStates } from '@gatelet/database'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

const failingWith = (code: string, raised: 'refusal' | 'failure' = 'failure') =>
  query({
    database: {
      dialect: 'postgresql',
      begin: () => Promise.reject(Object.assign(new Error('names a table'), { code, detail: 'Key (id)=(1)' })),
    },
    mode: 'one',
    sql: sql`select 1`,
    retries: 0,
    raised,
  })

test.each(Object.entries(sqlStates))('%s is told as %s, and not in the words of the database', async (state, code) => {
  const reply = await call(failingWith(state.padEnd(5, '0')))
  const text = await reply.text()
  expect([reply.status, JSON.parse(text).code]).toEqual([errorTable[code].status, code])
  expect(text).not.toMatch(/table|Key/)
})

test.each(['42P01', '42601', 'XX000', 'P0001', 'F0000'])('%s is the program’s fault: 500', async (state) => {
  expect((await call(failingWith(state))).status).toBe(500)
})

test('what a function of the database raises is a refusal where the route says so, still without its text', async () => {
  const reply = await call(failingWith('P0001', 'refusal'))
  const text = await reply.text()
  expect([reply.status, JSON.parse(text).code]).toEqual([400, 'INVALID_REQUEST'])
  expect(text).not.toMatch(/table|Key/)
  expect((await call(failingWith('P0002', 'refusal'))).status).toBe(500)
})
