import { fileURLToPath } from 'node:url'
import { rawRequest, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { send } from '../attack/support/pipeline.ts'
import { message, statuses } from '../attack/support/room.ts'
import { childProgram } from '../child-program.ts'
import { nodeArgs } from '../example-program.ts'
import { fine, headOf } from './support/servers.ts'

const seconds = process.env['HEAVY_SHORT'] === '1' ? 5 : 60
const file = fileURLToPath(new URL('support/gateway-program.ts', import.meta.url))

test(`a gateway with 64 MB of heap survives ${seconds} s of uploads, slow upstreams and clients that leave`, {
  timeout: 120_000,
}, async () => {
  await using server = await rawServer(async (connection, index) => {
    // One of three answers late, one not at all.
    while (await headOf(connection)) {
      if (index % 3 === 1) await new Promise((resolve) => setTimeout(resolve, 300))
      if (index % 3 !== 2) connection.write(fine('x'.repeat(50_000)))
    }
  })
  await using program = childProgram(['--max-old-space-size=64', ...nodeArgs, file, server.url], { cwd: process.cwd() })
  const [, port = ''] = await program.printed(/listening on http:\S+:(\d+) /)
  const end = performance.now() + seconds * 1_000
  let sent = 0
  const worker = async (at: number) => {
    while (performance.now() < end) {
      sent++
      const size = at % 2 ? 60_000 : 300_000
      await send(Number(port), message('POST /x', [`Content-Length: ${size}`], 'x'.repeat(size)), 400)
    }
  }
  await Promise.all(Array.from({ length: 100 }, (_, at) => worker(at)))
  expect(sent).toBeGreaterThan(seconds * 50)
  const status = async () => statuses(await rawRequest(Number(port), message('GET /x'), { silenceMs: 2_000 }))[0]
  await expect.poll(status, { timeout: 30_000 }).toBe(200)
  expect(program.output).not.toMatch(/heap|FATAL|Error/)
})
