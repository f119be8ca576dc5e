import { bind, query, sql } from '@gatelet/database'
import { call } from '@gatelet/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Scene, scenes } from '../support/databases.ts'

const count = z.object({ count: z.coerce.number().int() })
const numbers = (n: number) => Array.from({ length: n }, (_, at) => ({ n: at + 1 }))

describe.each(scenes)('%s', (_, start) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await start()
  }, 60_000)
  afterAll(() => scene[Symbol.asyncDispose]())

  const handlerOf = (more: { maxRows?: number } = {}) =>
    query({
      database: scene.database,
      mode: 'stream',
      batchRows: 7,
      input: count,
      sql: sql`select n from generate_series(1, ${bind('count')}::int) n`,
      ...more,
    })

  test.each([0, 1, 6, 7, 8, 14, 100])('%i rows are one array, or a line each', async (rows) => {
    const array = await call(handlerOf(), `/?count=${rows}`)
    expect([array.status, array.headers.get('content-type'), array.headers.get('vary')]).toEqual([
      200,
      'application/json',
      'accept',
    ])
    expect(await array.json()).toEqual(numbers(rows))
    const lines = await call(handlerOf(), { url: `/?count=${rows}`, headers: { accept: 'application/x-ndjson' } })
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson')
    const text = await lines.text()
    expect(
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toEqual(numbers(rows))
    expect(text === '' || text.endsWith('\n')).toBe(true)
  })

  test('the client’s wish decides between the two, and nothing else is there', async () => {
    const typeOf = async (accept: string) => {
      const reply = await call(handlerOf(), { url: '/?count=1', headers: { accept } })
      await reply.bytes()
      return [reply.status, reply.headers.get('content-type')]
    }
    expect(await typeOf('*/*')).toEqual([200, 'application/json'])
    expect(await typeOf('application/json;q=0.5, application/x-ndjson')).toEqual([200, 'application/x-ndjson'])
    expect(await typeOf('application/json;q=0, */*;q=0.1')).toEqual([200, 'application/x-ndjson'])
    expect(await typeOf('application/jsonl')).toEqual([200, 'application/x-ndjson'])
    expect(await typeOf('text/html')).toEqual([406, 'application/problem+json'])
  })

  test('what goes wrong before the first row has a status, and what goes wrong later breaks the body off', async () => {
    const { database } = scene
    const failing = query({
      database,
      mode: 'stream',
      batchRows: 10,
      input: count,
      sql: sql`select 10 / (${bind('count')}::int - n) as n from generate_series(1, 100) n`,
    })
    expect((await call(failing, '/?count=3')).status).toBe(400)
    const late = await call(failing, '/?count=50')
    expect(late.status).toBe(200)
    await expect(late.text()).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    const tooMany = await call(handlerOf({ maxRows: 20 }), '/?count=21')
    await expect(tooMany.text()).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(await (await call(handlerOf({ maxRows: 20 }), '/?count=20')).json()).toHaveLength(20)
  })

  test('a stream that nobody reads gives its connection back', async () => {
    for (let asked = 0; asked < 12; asked++) {
      const reply = await call(handlerOf(), { method: 'HEAD', url: '/?count=100' })
      expect(reply.status).toBe(200)
      await reply.bytes().catch(() => {})
      const other = await call(handlerOf(), '/?count=1')
      expect(await other.json()).toEqual([{ n: 1 }])
    }
  })

  test('a stream reads only', async () => {
    const { database } = scene
    await scene.ask('create table if not exists t (n int)')
    const sneaky = query({ database, mode: 'stream', sql: sql`insert into t values (1) returning n` })
    expect((await call(sneaky, 'POST /')).status).toBe(500)
    expect(await scene.ask('select * from t')).toEqual([])
  })
})
