import { bind, query, sql } from '@gatelet/database'
import { call } from '@gatelet/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Scene, scenes } from '../support/databases.ts'

const secret = 'a secret of the test'
type Rows = { id: number }[]

/** The cursor of the next page; undefined at the end. */
const next = (link: string | undefined) => /[?&]cursor=([^>&]+)>; rel="next"$/.exec(link ?? '')?.[1]

describe.each(scenes)('%s', (_, start) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await start()
    // Times that differ by microseconds alone, and many that do not differ at all.
    await scene.ask(`create table events (id int primary key, at timestamptz not null, rank int not null, owner text not null);
      insert into events select n, '2026-01-01T00:00:00.000001Z'::timestamptz + ((n * 7919 % 37) || ' microseconds')::interval,
        n % 5, case when n % 3 = 0 then 'ada' else 'bob' end from generate_series(1, 120) n`)
  }, 60_000)
  afterAll(() => scene[Symbol.asyncDispose]())

  const handlerOf = (by: { column: string; direction?: 'asc' | 'desc'; unique?: boolean }[]) =>
    query({
      database: scene.database,
      mode: 'many',
      input: z.strictObject({ owner: z.string() }),
      sql: sql`select id, at, rank from events where owner = ${bind('owner')} -- a comment at the end`,
      page: { by, secret, maxSize: 100 },
    })

  async function walk(handler: ReturnType<typeof handlerOf>, limit: number): Promise<number[]> {
    const found: number[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const reply = await call(handler, `/?owner=bob&limit=${limit}${cursor && `&cursor=${cursor}`}`)
      expect(reply.status).toBe(200)
      const rows = (await reply.json()) as Rows
      expect(rows.length).toBeLessThanOrEqual(limit)
      found.push(...rows.map(({ id }) => id))
      cursor = next(reply.headers.get('link'))
    }
    return found
  }

  test('no row is lost or comes twice, whatever the size of pages and the directions', async () => {
    const direction = fc.constantFrom('asc' as const, 'desc' as const)
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 81 }),
      direction,
      direction,
      direction,
      async (limit, a, b, c) => {
        const expected = await scene.ask(`select id from events where owner = 'bob' order by at ${a}, rank ${b}, id ${c}`)
        const handler = handlerOf([
          { column: 'at', direction: a },
          { column: 'rank', direction: b },
          { column: 'id', direction: c, unique: true },
        ])
        expect(await walk(handler, limit)).toEqual(expected.map(({ id }) => id))
      },
    )
    await fc.assert(property, { seed: 42, numRuns: 12 })
  }, 60_000)

  test('rows that come and go meanwhile move no others', async () => {
    const handler = handlerOf([{ column: 'id', unique: true }])
    const first = await call(handler, '/?owner=bob&limit=10')
    const ids = ((await first.json()) as Rows).map(({ id }) => id)
    await scene.ask(`insert into events values (0, now(), 1, 'bob')`)
    await scene.ask(`delete from events where id = ${ids[3]}`)
    const second = await call(handler, `/?owner=bob&limit=10&cursor=${next(first.headers.get('link'))}`)
    const later = await scene.ask(`select id from events where owner = 'bob' and id > ${ids.at(-1)} order by id limit 10`)
    expect(((await second.json()) as Rows).map(({ id }) => id)).toEqual(later.map(({ id }) => id))
    await scene.ask('delete from events where id = 0')
    await scene.ask(`insert into events values (${ids[3]}, now(), 1, 'bob')`)
  })

  test('the way to the next page keeps the rest of the query, and what only cursors need is not shown', async () => {
    const reply = await call(handlerOf([{ column: 'id', unique: true }]), '/?owner=bob&limit=1')
    expect(reply.headers.get('link')).toMatch(/^<\?owner=bob&limit=1&cursor=[\w-]+\.[\w-]+>; rel="next"$/)
    expect(Object.keys(((await reply.json()) as object[])[0] ?? {})).toEqual(['id', 'at', 'rank'])
  })

  test('a cursor that was not made here is refused', async () => {
    const handler = handlerOf([{ column: 'id', unique: true }])
    const other = handlerOf([{ column: 'id', direction: 'desc', unique: true }])
    const cursor = next((await call(handler, '/?owner=bob&limit=1')).headers.get('link')) ?? ''
    const [payload = '', signature = ''] = cursor.split('.')
    const forged = [
      '',
      'x',
      '.',
      `${payload}.`,
      `.${signature}`,
      `${Buffer.from('["100"]').toString('base64url')}.${signature}`,
      `${payload}.${signature}.`,
      `${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
      `${payload}.${signature}=`,
      `${cursor}&cursor=${cursor}`,
    ]
    for (const each of forged) {
      const reply = await call(handler, `/?owner=bob&cursor=${each}`)
      expect([each, reply.status]).toEqual([each, 400])
    }
    expect((await call(handler, `/?owner=bob&cursor=${cursor}`)).status).toBe(200)
    expect((await call(other, `/?owner=bob&cursor=${cursor}`)).status).toBe(400)
  })

  test.each(['0', '-1', '101', '1e1', 'x', '', '1&limit=2'])('limit=%s is refused', async (limit) => {
    expect((await call(handlerOf([{ column: 'id', unique: true }]), `/?owner=bob&limit=${limit}`)).status).toBe(400)
  })

  test('rows are not sorted by what is null', async () => {
    const { database } = scene
    const handler = query({
      database,
      mode: 'many',
      sql: sql`select id, null::int as nothing from events`,
      page: { by: [{ column: 'nothing' }, { column: 'id', unique: true }], secret, size: 3 },
    })
    expect((await call(handler)).status).toBe(500)
  })
})
