import { bind, bindJson, bindOptional, choice, query, sql } from '@gatelet/database'
import { createRouter } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Scene, scenes } from '../support/databases.ts'

const id = z.object({ id: z.coerce.number().int() })

describe.each(scenes)('%s', (_, start) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await start()
    await scene.ask(`
      create table orders (id int primary key, title text not null unique, total numeric not null check (total >= 0),
        big int8, made timestamptz, bytes bytea, tags text[], numbers int[], doc jsonb);
      insert into orders values (1, 'tea', 4.50, 9007199254740993, '2026-01-02T03:04:05.678901Z', '\\x00ff', '{a,"b c"}', '{1,2}', '{"a":[1]}');
      insert into orders (id, title, total) values (2, 'milk', 1)`)
  }, 60_000)
  afterAll(() => scene[Symbol.asyncDispose]())

  test('one row is an object, and none is 404', async () => {
    const { database } = scene
    const handler = query({ database, mode: 'one', input: id, sql: sql`select id, title from orders where id = ${bind('id')}` })
    const router = createRouter().get('/orders/:id', handler)
    const found = await call(router, '/orders/1')
    expect(found.status).toBe(200)
    expect(await found.json()).toEqual({ id: 1, title: 'tea' })
    const missing = await call(router, '/orders/7')
    expect(missing.status).toBe(404)
    expect(await missing.json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('what the schema refuses is told with its place, 400 of a query and 422 of a body', async () => {
    const { database } = scene
    const handler = query({ database, mode: 'one', input: id, sql: sql`select id from orders where id = ${bind('id')}` })
    const got = await call(handler, '/?id=x')
    expect(got.status).toBe(400)
    expect(await got.json()).toMatchObject({ code: 'INVALID_REQUEST', errors: [{ path: '/id' }] })
    const posted = await call(handler, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"x"}' })
    expect(posted.status).toBe(422)
    expect(await posted.json()).toMatchObject({ code: 'INVALID_BODY', errors: [{ path: '/id' }] })
  })

  test('values of each type come back as they went in', async () => {
    const { database } = scene
    const handler = query({
      database,
      mode: 'one',
      input: z.object({}).transform(() => ({
        id: 3,
        title: `O'Reilly \\ "x" $1 -- \u{1f375}`,
        total: 2.5,
        big: 9007199254740993n,
        made: new Date('2026-03-04T05:06:07.089Z'),
        bytes: new Uint8Array([0, 1, 255]),
        tags: ['a', 'b,"c"', '\\', '{}', 'NULL', '', null],
        numbers: [1, -2],
        doc: { a: ["it's", null, { b: '"' }] },
      })),
      sql: sql`insert into orders values (${bind('id')}, ${bind('title')}, ${bind('total')}, ${bind('big')}, ${bind('made')},
        ${bind('bytes')}, ${bind('tags')}, ${bind('numbers')}, ${bindJson('doc')})
        returning id, title, total, big, made, bytes, array_to_json(tags) as tags, numbers, doc`,
      status: 201,
    })
    const made = await call(handler, 'POST /')
    expect(made.status).toBe(201)
    const row = await made.json()
    expect(row).toMatchObject({
      id: 3,
      title: `O'Reilly \\ "x" $1 -- \u{1f375}`,
      big: '9007199254740993',
      made: '2026-03-04T05:06:07.089Z',
      bytes: 'AAH/',
      tags: ['a', 'b,"c"', '\\', '{}', 'NULL', '', null],
      numbers: [1, -2],
      doc: { a: ["it's", null, { b: '"' }] },
    })
    await scene.ask('delete from orders where id = 3')
  })

  test('a list is one bind, and what is missing by intent is null', async () => {
    const { database } = scene
    const handler = query({
      database,
      mode: 'many',
      input: z.object({ ids: z.array(z.coerce.number()), title: z.string().optional() }),
      sql: sql`select id from orders where id = any(${bind('ids')}::int[])
        and (${bindOptional('title')}::text is null or title = ${bindOptional('title')}) order by id`,
    })
    expect(await (await call(handler, '/?ids=1&ids=2&ids=9')).json()).toEqual([{ id: 1 }, { id: 2 }])
    expect(await (await call(handler, '/?ids=1&ids=2&title=milk')).json()).toEqual([{ id: 2 }])
  })

  test('a choice stands for one of its texts, and no other name is taken', async () => {
    const { database } = scene
    const handler = query({
      database,
      mode: 'many',
      input: z.object({ sort: z.string() as z.ZodType<'dear' | 'cheap'> }),
      sql: sql`select id from orders order by ${choice('sort', { dear: sql`total desc`, cheap: sql`total` })}`,
    })
    expect(await (await call(handler, '/?sort=dear')).json()).toEqual([{ id: 1 }, { id: 2 }])
    expect(await (await call(handler, '/?sort=cheap')).json()).toEqual([{ id: 2 }, { id: 1 }])
    for (const sort of ['id', 'constructor', '__proto__', 'total; drop table orders']) {
      expect((await call(handler, `/?sort=${encodeURIComponent(sort)}`)).status).toBe(400)
    }
  })

  test('GET cannot write, and POST can', async () => {
    const { database } = scene
    const sink = sql`update orders set title = title where id = 1`
    const handler = query({ database, mode: 'exec', sql: sink })
    const got = await call(handler, '/')
    expect(got.status).toBe(405)
    expect(got.headers.get('allow')).toBe('POST')
    expect((await call(handler, { method: 'HEAD' })).status).toBe(405)
    expect((await call(handler, 'POST /')).status).toBe(204)
    expect((await call(query({ database, mode: 'exec', readOnly: true, sql: sink }), 'POST /')).status).toBe(405)
  })

  test('more rows than are allowed are no answer', async () => {
    const { database } = scene
    const all = sql`select id from orders order by id`
    for (const maxRows of [2, Number.MAX_SAFE_INTEGER]) {
      expect((await call(query({ database, mode: 'many', sql: all, maxRows }))).status).toBe(200)
    }
    expect((await call(query({ database, mode: 'many', sql: all, maxRows: 1 }))).status).toBe(502)
    expect((await call(query({ database, mode: 'one', sql: all }))).status).toBe(500)
  })

  test('what is refused tells nothing of tables, columns, constraints and values', async () => {
    const { database } = scene
    const insert = query({
      database,
      mode: 'exec',
      input: z.object({ title: z.string(), total: z.string() }),
      sql: sql`insert into orders (id, title, total) values (9, ${bind('title')}, ${bind('total')})`,
    })
    const post = async (title: string, total: string) => {
      const headers = { 'content-type': 'application/json' }
      const reply = await call(insert, { method: 'POST', headers, body: JSON.stringify({ title, total }) })
      const text = await reply.text()
      expect(text).not.toMatch(/orders|title_|constraint|tea|detail|insert/)
      return [reply.status, JSON.parse(text).code]
    }
    expect(await post('tea', '1')).toEqual([409, 'CONFLICT'])
    expect(await post('cake', '-1')).toEqual([400, 'INVALID_REQUEST'])
    expect(await post('cake', 'much')).toEqual([400, 'INVALID_REQUEST'])
    expect(await post('ca\0ke', '1')).toEqual([400, 'INVALID_REQUEST'])
    const broken = await call(query({ database, mode: 'one', sql: sql`select * from no_such_table` }))
    expect([broken.status, ((await broken.json()) as { code: string }).code]).toEqual([500, 'DATABASE_FAILED'])
  })

  test('an answer that the client has is 304', async () => {
    const { database } = scene
    const handler = query({
      database,
      mode: 'many',
      sql: sql`select id from orders order by id`,
      headers: { 'cache-control': 'private, max-age=5' },
    })
    const first = await call(handler)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{27}"$/)
    for (const field of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await call(handler, { headers: { 'if-none-match': field } })
      expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, ''])
      expect(again.headers.get('cache-control')).toBe('private, max-age=5')
    }
    expect((await call(handler, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
    expect((await call(query({ database, mode: 'many', etag: 'none', sql: sql`select 1 as one` }))).headers.has('etag')).toBe(
      false,
    )
  })
})
