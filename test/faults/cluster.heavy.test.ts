import { fileURLToPath } from 'node:url'
import { rawRequest, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { message, statuses } from '../attack/support/room.ts'
import { childProgram, freePort } from '../child-program.ts'
import { nodeArgs } from '../example-program.ts'
import { fine, headOf } from './support/servers.ts'

// Several gateways on one port, and some of them end.

const file = fileURLToPath(new URL('support/cluster-program.ts', import.meta.url))

/** Asks on four connections at a time, each for one request, while something happens. @returns what was not answered 200 */
async function lostWhile(
  happens: (program: ReturnType<typeof childProgram>) => Promise<unknown>,
): Promise<{ asked: number; lost: unknown[] }> {
  await using server = await rawServer(async (connection) => {
    while (await headOf(connection)) connection.write(fine())
  })
  const port = await freePort()
  await using program = childProgram([...nodeArgs, file, server.url, String(port)], { cwd: process.cwd() })
  await program.printed(/ready/)
  let isOver = false
  let asked = 0
  const lost: unknown[] = []
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      asked++
      const outcome = await rawRequest(port, message('GET /x')).then(
        (reply) => statuses(reply)[0] ?? reply.closed,
        (error: Error) => error.message,
      )
      if (outcome !== 200) lost.push(outcome)
    }
  })
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(50)
  await happens(program)
  const before = asked
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(before + 50)
  isOver = true
  await Promise.all(load)
  return { asked, lost }
}

test('gateways of a cluster that are replaced one after the other lose no request', async () => {
  const { lost } = await lostWhile(async (program) => {
    program.kill('SIGUSR2')
    await program.printed(/restarted/)
  })
  expect(lost).toEqual([])
})

test('one that is killed loses no more than what it had in hand', async () => {
  const { lost } = await lostWhile(async (program) => program.kill('SIGHUP'))
  expect(lost.length).toBeLessThanOrEqual(4)
})
