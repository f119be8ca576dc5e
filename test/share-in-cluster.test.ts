import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { childProgram } from './child-program.ts'
import { nodeArgs } from './example-program.ts'

test('workers of a cluster share ejections, weights, drains and checks of many balancers, and the one that is left goes on alone', async () => {
  const file = fileURLToPath(new URL('./share-in-cluster.ts', import.meta.url))
  await using program = childProgram([...nodeArgs, file], { cwd: fileURLToPath(new URL('.', import.meta.url)) })
  expect(await program.ended).toBe(0)
  const lines = program.output.trim().split('\n')
  expect(lines.toSorted()).toEqual([
    '1 drains c',
    '1 sees the other',
    '2 checks',
    '2 has ejected a',
    '2 is alone',
    '2 leaves checks to 1',
    '2 sees the other',
  ])
}, 60_000)
