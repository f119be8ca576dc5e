import { json } from '@gatelet/core'
import { bind, bindOptional, choice, type Database, query, type Sql, sql, transaction } from '@gatelet/database'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const database: Database = { dialect: 'postgresql', begin: () => Promise.reject(new Error('not asked')) }

test('a value cannot stand in a statement, by its type', () => {
  const value: string = 'x'
  // @ts-expect-error a text
  expect(() => sql`select ${value}`).toThrow('a value is never text')
  // @ts-expect-error a number
  expect(() => sql`select ${7}`).toThrow('a value is never text')
  // What a request could bring, by a type that somebody has asserted.
  expect(() => sql`select ${{ name: 'id', isJson: false, pieces: ['x'] } as never}`).toThrow('a value is never text')
  // @ts-expect-error a list of texts is no template
  expect(() => sql([value])).toThrow('a template')
})

test('a statement knows what its input must have', () => {
  const statement = sql`select ${bind('id')}, ${bind('title')} order by ${choice('sort', { a: sql`a`, b: sql`b ${bind('bias')}` })}`
  expectTypeOf(statement).toExtend<Sql<{ id: number; title: string; sort: 'a' | 'b'; bias: number }>>()
  expectTypeOf(statement).not.toExtend<Sql<{ id: number; title: string; sort: 'a' | 'b' }>>()
  expectTypeOf(statement).not.toExtend<Sql<{ id: number; title: string; sort: string; bias: number }>>()
  expectTypeOf(statement).not.toExtend<Sql<{ id: object; title: string; sort: 'a'; bias: number }>>()
  expectTypeOf(sql`select ${bindOptional('q')}`).toExtend<Sql<{ q?: string | undefined }>>()
  expectTypeOf(sql`select 1`).toExtend<Sql<{}>>()
})

test('a route whose schema lacks a value does not compile', () => {
  const input = z.object({ id: z.number() })
  query({ database, mode: 'one', input, sql: sql`select ${bind('id')}` })
  // @ts-expect-error no title
  query({ database, mode: 'one', input, sql: sql`select ${bind('id')}, ${bind('title')}` })
  // @ts-expect-error no input at all
  query({ database, mode: 'one', sql: sql`select ${bind('id')}` })
  transaction({
    database,
    input,
    async run(statements, { id }) {
      expectTypeOf(id).toEqualTypeOf<number>()
      // @ts-expect-error no title
      await statements.one(sql`select ${bind('id')}, ${bind('title')}`, { id })
      return json(await statements.one(sql`select ${bind('id')}`, { id }))
    },
  })
})
