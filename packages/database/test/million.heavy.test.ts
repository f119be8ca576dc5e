import { query, sql } from '@gatelet/database'
import { serve } from '@gatelet/node'
import { expect, test } from 'vitest'
import { hasServer, pgScene } from './support/databases.ts'

const ROWS = process.env['HEAVY_SHORT'] === '1' ? 100_000 : 1_000_000

test.skipIf(!hasServer)('a million rows pass at flat memory', async () => {
  await using scene = await pgScene()
  await scene.ask(`create table many as select n, md5(n::text) as hash from generate_series(1, ${ROWS}) n`)
  const handler = query({
    database: scene.database,
    mode: 'stream',
    timeouts: { statementMs: 60_000 },
    sql: sql`select n, hash from many`,
  })
  await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
  const reply = await fetch(server.url, { headers: { accept: 'application/x-ndjson' } })
  let lines = 0
  let most = 0
  const before = process.memoryUsage().rss
  for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) {
    for (const byte of chunk) if (byte === 10) lines++
    most = Math.max(most, process.memoryUsage().rss - before)
  }
  expect(lines).toBe(ROWS)
  // All of them at once would be more than 300 MB of objects.
  expect(most).toBeLessThan(150_000_000)
})
