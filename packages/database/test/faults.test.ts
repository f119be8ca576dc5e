import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type Handler, json } from '@gatelet/core'
import { bind, type Database, pgDatabase, query, sql, transaction } from '@gatelet/database'
import { serve } from '@gatelet/node'
import { call, startPostgres } from '@gatelet/testing'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { hasServer, pgScene, postgresScene, type Scene } from './support/databases.ts'

const sleep = (database: Database, more: object = {}) =>
  query({
    database,
    mode: 'one',
    input: z.object({ s: z.coerce.number() }),
    sql: sql`select pg_sleep(${bind('s')}::float8) is null as done`,
    ...more,
  })

const codeOf = async (handler: Handler, request: Parameters<typeof call>[1]) => {
  const reply = await call(handler, request)
  return [reply.status, ((await reply.json()) as { code?: string }).code]
}

const busy = `select pid, state, query from pg_stat_activity where pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend'`

describe.skipIf(!hasServer).each([
  ['pg', pgScene],
  ['postgres', postgresScene],
] as const)('by %s', (_, start) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await start()
    await scene.ask('create table counters (id int primary key, n int not null); insert into counters values (1, 0), (2, 0)')
  }, 60_000)
  afterEach(async () => {
    // Whatever happened, nothing goes on, and everybody is answered.
    await vi.waitFor(async () => expect(await scene.ask(busy)).toEqual([]), { timeout: 8_000 })
    const replies = await Promise.all(Array.from({ length: 10 }, () => call(sleep(scene.database), '/?s=0')))
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200))
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test('a statement that takes too long is 504, and a lock that is not free is 409', async () => {
    const { database } = scene
    expect(await codeOf(sleep(database, { timeouts: { statementMs: 50 } }), '/?s=30')).toEqual([504, 'DATABASE_TIMEOUT'])
    const held = transaction({
      database,
      async run(statements) {
        await statements.exec(sql`update counters set n = n where id = 1`, {})
        const waiting = query({
          database,
          mode: 'exec',
          timeouts: { lockMs: 50 },
          sql: sql`update counters set n = n where id = 1`,
        })
        return json(await codeOf(waiting, 'POST /'))
      },
    })
    expect(await (await call(held, 'POST /')).json()).toEqual([409, 'RACE'])
  })

  test('the server’s process that answers is killed: a typed error, and the next request is answered', async () => {
    const { database } = scene
    const asked = codeOf(sleep(database), '/?s=30')
    await vi.waitFor(async () => expect(await scene.ask(`${busy} and state = 'active'`)).toHaveLength(1), { timeout: 5_000 })
    await scene.ask(`select pg_terminate_backend(pid) from (${busy}) b`)
    expect(await asked).toEqual([503, 'DATABASE_UNAVAILABLE'])
  })

  test('a client that leaves ends what the server does for it', async () => {
    await using server = await serve(sleep(scene.database), { port: 0, host: '127.0.0.1' })
    const request = get(`${server.url}/?s=30`).on('error', () => {})
    await vi.waitFor(async () => expect(await scene.ask(`${busy} and state = 'active'`)).toHaveLength(1), { timeout: 5_000 })
    request.destroy()
    await vi.waitFor(async () => expect(await scene.ask(busy)).toEqual([]), { timeout: 8_000 })
  })

  test('a client that leaves a stream behind, read or not, ends it', async () => {
    const { database } = scene
    const endless = query({
      database,
      mode: 'stream',
      maxRows: 1e12,
      sql: sql`select generate_series(1, 1000000000) as n, repeat('x', 1000) as filler`,
    })
    await using server = await serve(endless, { port: 0, host: '127.0.0.1' })
    for (const isRead of [true, false]) {
      const request = get(server.url).on('error', () => {})
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      response.on('error', () => {})
      if (isRead) await once(response, 'data')
      expect((await scene.ask(busy)).length).toBeGreaterThan(0)
      ;(request.socket as Socket).destroy()
      await vi.waitFor(async () => expect(await scene.ask(busy)).toEqual([]), { timeout: 8_000 })
    }
  })

  test('a reader that stops holds its transaction no longer than it may', async () => {
    const { database } = scene
    const endless = query({
      database,
      mode: 'stream',
      timeouts: { idleMs: 300 },
      maxRows: 1e12,
      sql: sql`select generate_series(1, 1000000000) as n, repeat('x', 1000) as filler`,
    })
    await using server = await serve(endless, { port: 0, host: '127.0.0.1' })
    const request = get(server.url).on('error', () => {})
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const broken = once(response, 'error')
    await vi.waitFor(async () => expect(await scene.ask(busy)).toEqual([]), { timeout: 8_000 })
    response.resume()
    await broken
    expect(response.complete).toBe(false)
  }, 15_000)

  test('transactions that meet are made again until all have been', async () => {
    const { database } = scene
    await scene.ask('update counters set n = 0')
    const add = transaction({
      database,
      isolation: 'serializable',
      retries: 50,
      async run(statements) {
        const row = await statements.one(sql`select n from counters where id = 1`, {})
        await statements.exec(sql`update counters set n = ${bind('n')} where id = 1`, { n: Number(row?.['n']) + 1 })
        return json({ ok: true })
      },
    })
    const replies = await Promise.all(Array.from({ length: 20 }, () => call(add, 'POST /')))
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(await scene.ask('select n from counters where id = 1')).toEqual([{ n: 20 }])
  }, 20_000)

  test('transactions that meet and may not be made again are 409', async () => {
    const { database } = scene
    let turn = 0
    const gate: (() => void)[] = []
    const met = () =>
      new Promise<void>((resolve) => {
        if (gate.push(resolve) === 2) for (const open of gate) open()
      })
    const crossed = transaction({
      database,
      retries: 0,
      async run(statements) {
        const [first, second] = turn++ === 0 ? [1, 2] : [2, 1]
        const touch = sql`update counters set n = n + 1 where id = ${bind('id')}`
        await statements.exec(touch, { id: first })
        await met()
        await statements.exec(touch, { id: second })
        return json({ ok: true })
      },
      timeouts: { lockMs: 8_000, statementMs: 9_000 },
    })
    const codes = await Promise.all([codeOf(crossed, 'POST /'), codeOf(crossed, 'POST /')])
    expect(codes.sort()).toEqual([
      [200, undefined],
      [409, 'RACE'],
    ])
  }, 20_000)

  test('row-level security shows each its own, by claims that end with the transaction', async () => {
    const { database } = scene
    await scene.ask(`create table secrets (owner text, line text); insert into secrets values ('ada', 'a'), ('bob', 'b');
      create role reader; grant select on secrets to reader; alter table secrets enable row level security;
      create policy own on secrets using (owner = nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')`)
    const mine = query<{ principal: { subject: string } }>({
      database,
      mode: 'many',
      role: 'reader',
      claims: (ctx) => ({ sub: ctx.state.principal.subject }),
      sql: sql`select line from secrets`,
    })
    const linesOf = async (subject: string) => (await call(mine, '/', { state: { principal: { subject } } })).json()
    expect(await linesOf('ada')).toEqual([{ line: 'a' }])
    expect(await linesOf('bob')).toEqual([{ line: 'b' }])
    expect(await linesOf(`x' or '1'='1`)).toEqual([])
    const after = query({
      database,
      mode: 'many',
      sql: sql`select current_user::text as who, current_setting('request.jwt.claims', true) as claims from generate_series(1, 1)`,
    })
    const [row] = (await (await call(after)).json()) as { who: string; claims: string | null }[]
    expect([row?.who, row?.claims || null]).toEqual(['postgres', null])
    const forbidden = query({ database, mode: 'exec', role: 'reader', sql: sql`delete from secrets` })
    expect(await codeOf(forbidden, 'POST /')).toEqual([403, 'FORBIDDEN'])
    for (const role of ['none', '']) {
      const connecting = query({ database, mode: 'many', role: () => role, sql: sql`select line from secrets` })
      expect(await codeOf(connecting, '/')).toEqual([403, 'FORBIDDEN'])
    }
    expect(() => query({ database, mode: 'exec', role: 'none', sql: sql`select 1` })).toThrow(/role other than none/)
  })

  test('the server dies in the middle and comes back', async () => {
    const asked = codeOf(sleep(scene.database), '/?s=30')
    await vi.waitFor(async () => expect(await scene.ask(`${busy} and state = 'active'`)).toHaveLength(1), { timeout: 5_000 })
    await scene.server?.crash()
    expect(await asked).toEqual([503, 'DATABASE_UNAVAILABLE'])
    expect(await codeOf(sleep(scene.database), '/?s=0')).toEqual([503, 'DATABASE_UNAVAILABLE'])
    await scene.server?.start()
    await vi.waitFor(async () => expect((await call(sleep(scene.database), '/?s=0')).status).toBe(200), {
      timeout: 10_000,
      interval: 200,
    })
  }, 40_000)
})

describe.skipIf(!hasServer)('the pool', () => {
  test('where no connection is free in time, or too many wait, the answer is 503 with Retry-After', async () => {
    await using scene = await pgScene({ max: 1 }, { acquireMs: 100, maxWaiting: 1 })
    const first = call(sleep(scene.database), '/?s=1')
    await vi.waitFor(async () => expect(await scene.ask(`${busy} and state = 'active'`)).toHaveLength(1), { timeout: 5_000 })
    const second = call(sleep(scene.database), '/?s=0')
    const third = call(sleep(scene.database), '/?s=0')
    for (const reply of [await second, await third]) {
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await reply.json()).toMatchObject({ code: 'DATABASE_BUSY' })
    }
    expect((await first).status).toBe(200)
    expect((await call(sleep(scene.database), '/?s=0')).status).toBe(200)
    expect([scene.pool.totalCount, scene.pool.idleCount, scene.pool.waitingCount]).toEqual([1, 1, 0])
  }, 30_000)

  test('a server that hangs is 504 by our own clock, and the connection is closed', async () => {
    const server = await startPostgres()
    await using _ = server
    const pool = new Pool({ connectionString: server.url, max: 1 })
    const handler = sleep(pgDatabase(pool), { timeouts: { statementMs: 200 } })
    expect((await call(handler, '/?s=0')).status).toBe(200)
    const [backend] = (await pool.query('select pg_backend_pid() as pid')).rows as { pid: number }[]
    process.kill(backend?.pid ?? 0, 'SIGSTOP')
    expect(await codeOf(handler, '/?s=0')).toEqual([504, 'DATABASE_TIMEOUT'])
    expect(pool.totalCount).toBe(0)
    process.kill(backend?.pid ?? 0, 'SIGCONT')
    expect((await call(handler, '/?s=0')).status).toBe(200)
    await pool.end()
  }, 30_000)

  test('nobody there is 503', async () => {
    const pool = new Pool({ host: '127.0.0.1', port: 1 })
    expect(await codeOf(sleep(pgDatabase(pool)), '/?s=0')).toEqual([503, 'DATABASE_UNAVAILABLE'])
    await pool.end()
  })
})
