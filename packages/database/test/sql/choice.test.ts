import { choice, query, type Row, sql } from '@gatelet/database'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'

test('a choice may have an empty name, which is no more than one of them', async () => {
  const texts: string[] = []
  const transaction = {
    query: async (text: string) => {
      texts.push(text)
      return { rows: [] as Row[], count: 0 }
    },
    cursor: async () => ({ next: async () => [] }),
    commit: async () => {},
    rollback: async () => {},
    cancel: () => {},
  }
  const handler = query({
    database: { dialect: 'postgresql', begin: async () => transaction },
    mode: 'many',
    input: z.object({ sort: z.enum(['', 'price']) }),
    from: ({ query }) => query,
    sql: sql`select 1 order by ${choice('sort', { '': sql`id`, price: sql`price` })}`,
  })
  for (const sort of ['', 'price', '']) await call(handler, `POST /?sort=${sort}`)
  expect(texts).toEqual(['select 1 order by id', 'select 1 order by price', 'select 1 order by id'])
})
