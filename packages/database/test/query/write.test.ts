import { json, problem } from '@gatelet/core'
import { bind, ifMatch, query, sql, transaction } from '@gatelet/database'
import { call } from '@gatelet/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Scene, scenes } from '../support/databases.ts'

const id = z.object({ id: z.coerce.number().int() })
const update = z.object({ id: z.number().int(), title: z.string() })
const body = (value: object, headers: Record<string, string> = {}, method = 'PUT') => ({
  method,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})

describe.each(scenes)('%s', (_, start) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await start()
    await scene.ask('create table notes (id int primary key, title text not null, version int not null default 1)')
    await scene.ask('create table log (line text not null)')
  }, 60_000)
  beforeEach(async () => {
    await scene.ask('truncate notes; truncate log')
    await scene.ask(`insert into notes values (1, 'first', 1)`)
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  const reader = () =>
    query({
      database: scene.database,
      mode: 'one',
      etag: { column: 'version' },
      input: id,
      sql: sql`select * from notes where id = ${bind('id')}`,
    })
  const writer = (requireIfMatch = true) =>
    query({
      database: scene.database,
      mode: 'one',
      etag: { column: 'version' },
      requireIfMatch,
      input: update,
      sql: sql`update notes set title = ${bind('title')}, version = version + 1
        where id = ${bind('id')} and (${ifMatch}::int is null or version = ${ifMatch}) returning *`,
    })

  test('a write names the version that it is of, and another’s change is not overwritten', async () => {
    const tag = (await call(reader(), '/?id=1')).headers.get('etag') ?? ''
    expect(tag).toBe('"1"')
    const first = await call(writer(), body({ id: 1, title: 'mine' }, { 'if-match': tag }))
    expect([first.status, first.headers.get('etag')]).toEqual([200, '"2"'])
    expect((await call(writer(), body({ id: 1, title: 'other' }, { 'if-match': tag }))).status).toBe(412)
    expect(await scene.ask('select title from notes')).toEqual([{ title: 'mine' }])
    expect((await call(reader(), { url: '/?id=1', headers: { 'if-none-match': '"2"' } })).status).toBe(304)
  })

  test('what is no version matches nothing, and a star matches what is there', async () => {
    for (const field of ['W/"1"', '"1", "2"', 'x', '"%"', '']) {
      expect((await call(writer(), body({ id: 1, title: 'x' }, { 'if-match': field }))).status).toBe(412)
    }
    expect((await call(writer(), body({ id: 1, title: 'x' }, { 'if-match': '*' }))).status).toBe(200)
    expect((await call(writer(), body({ id: 7, title: 'x' }, { 'if-match': '*' }))).status).toBe(412)
  })

  test('a write without a version is 428 where one is required, else goes through', async () => {
    expect((await call(writer(), body({ id: 1, title: 'x' }))).status).toBe(428)
    expect((await call(writer(false), body({ id: 1, title: 'x' }))).status).toBe(200)
    expect((await call(writer(false), body({ id: 7, title: 'x' }))).status).toBe(404)
  })

  test('a version is not passed over where the statement has none', async () => {
    const { database } = scene
    const blind = query({ database, mode: 'exec', sql: sql`update notes set title = 'blind'` })
    expect((await call(blind, body({}, { 'if-match': '"1"' }))).status).toBe(412)
    expect(await scene.ask('select title from notes')).toEqual([{ title: 'first' }])
  })

  const addLine = sql`insert into log values (${bind('line')})`
  const addNote = sql`insert into notes (id, title) values (${bind('id')}, ${bind('title')}) returning id`

  test('all of several statements stays, or nothing', async () => {
    const handler = transaction({
      database: scene.database,
      input: update,
      async run(statements, input) {
        expect(await statements.exec(addLine, { line: `adds ${input.id}` })).toBe(1)
        const note = await statements.one(addNote, input)
        return input.title === 'refused' ? problem({ status: 409, title: 'no' }) : json(note, 201)
      },
    })
    expect((await call(handler, body({ id: 2, title: 'second' }, {}, 'POST'))).status).toBe(201)
    expect((await call(handler, body({ id: 1, title: 'again' }, {}, 'POST'))).status).toBe(409)
    expect((await call(handler, body({ id: 3, title: 'refused' }, {}, 'POST'))).status).toBe(409)
    expect(await scene.ask('select line from log')).toEqual([{ line: 'adds 2' }])
    expect(await scene.ask('select id from notes order by id')).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('a reply after a statement that failed is no success: nothing was committed', async () => {
    const handler = transaction({
      database: scene.database,
      async run(statements) {
        await statements.exec(addLine, { line: 'lost' })
        await statements.one(addNote, { id: 1, title: 'again' }).catch(() => {})
        return json({ ok: true })
      },
    })
    expect((await call(handler, 'POST /')).status).toBeGreaterThanOrEqual(400)
    expect(await scene.ask('select line from log')).toEqual([])
  })

  test('what the program throws rolls back, and its message stays here', async () => {
    const handler = transaction({
      database: scene.database,
      async run(statements) {
        await statements.exec(addLine, { line: 'lost' })
        throw new Error('a secret of the program')
      },
    })
    const reply = await call(handler, 'POST /')
    expect(reply.status).toBe(500)
    expect(await reply.text()).not.toContain('secret')
    expect(await scene.ask('select line from log')).toEqual([])
  })
})
