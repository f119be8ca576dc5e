import { fileURLToPath } from 'node:url'
import { clusterRateStore } from '@gatelet/rate-limiter'
import { expect, test } from 'vitest'
import { type ChildProgram, childProgram } from '../../../../test/child-program.ts'
import { nodeArgs } from '../../../../test/example-program.ts'

const cwd = fileURLToPath(new URL('.', import.meta.url))

const start = (scene: string, workers = 1, timeoutMs = 5_000): ChildProgram =>
  childProgram([...nodeArgs, fileURLToPath(new URL('./workers.ts', import.meta.url))], {
    cwd,
    env: { SCENE: scene, WORKERS: String(workers), TIMEOUT_MS: String(timeoutMs), NODE_NO_WARNINGS: '1' },
  })

const linesOf = async (program: ChildProgram) => {
  expect(await program.ended).toBe(0)
  return program.output.trim().split('\n')
}

test('a worker passes the suite of all stores', async () => {
  await using program = childProgram([...nodeArgs, fileURLToPath(new URL('./suite-in-worker.ts', import.meta.url))], { cwd })
  const code = await program.ended
  expect(program.output).toMatch(/pass [1-9]/)
  expect(code, program.output).toBe(0)
}, 60_000)

test('two workers that hammer one key take exactly the limit, together', async () => {
  await using program = start('hammer', 2)
  const taken = (await linesOf(program)).map((line) => Number(/took (\d+)/.exec(line)?.[1]))
  expect(taken).toHaveLength(2)
  expect(taken.reduce((sum, count) => sum + count)).toBe(700)
}, 60_000)

test('the slots of a worker that is killed are free at once', async () => {
  await using program = start('slots', 2)
  expect(await linesOf(program)).toEqual(['taken taken refused', 'the other refused', 'taken refused', 'taken'])
}, 60_000)

test('a primary that does not count is left alone, and asked again', async () => {
  await using program = start('away', 1, 200)
  expect(await linesOf(program)).toEqual(['taken refused', 'cluster is away', 'cluster is back', 'taken refused'])
}, 60_000)

test('a slot that was taken for a request that had gone on without is free again', async () => {
  await using program = start('late', 1, 200)
  expect(await linesOf(program)).toEqual(['STORE_TIMEOUT', 'no slot is lost'])
}, 60_000)

test('workers end with their primary', async () => {
  await using program = start('orphan')
  const [, pid] = await program.printed(/worker (\d+) has taken/)
  program.kill('SIGKILL')
  await program.ended
  const isAlive = () => {
    try {
      return process.kill(Number(pid), 0)
    } catch {
      return false
    }
  }
  await expect.poll(isAlive, { timeout: 5_000 }).toBe(false)
}, 60_000)

test('outside of a worker it counts in its own process', async () => {
  const store = clusterRateStore()
  const rule = { algorithm: 'gcra', name: 'a', limit: 1, windowMs: 60_000, burst: 1 } as const
  const ask = async () => (await store.take([{ rule, key: 'ada', cost: 1 }])).map(({ allowed }) => allowed)
  expect([await ask(), await ask()]).toEqual([[true], [false]])
})
