import { describe, test } from 'vitest'
import { play } from './play.ts'
import { tables } from './tables.ts'

// What the RFCs say of shared caches, rule by rule: a client, a cache and an origin on sockets, and a clock that the test moves.
describe.each(Object.entries(tables))('%s', (_topic, rows) => {
  test.each(rows.map((row) => [row.section, row.level, row.says, row] as const))(
    '%s %s: %s',
    async (_section, _level, _says, row) => {
      await play(row)
    },
  )
})
