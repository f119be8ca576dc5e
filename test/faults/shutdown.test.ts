import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type RawReply, rawClient, rawRequest, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { message, statuses } from '../attack/support/room.ts'
import { childProgram } from '../child-program.ts'
import { nodeArgs } from '../example-program.ts'
import { answers, hangs } from './support/servers.ts'

// The process is told to end, or runs out of what it needs.

const file = fileURLToPath(new URL('support/gateway-program.ts', import.meta.url))
const get = message('GET /x')

async function gateway(upstream: string, graceMs = 2_000) {
  const program = childProgram([...nodeArgs, file, upstream, String(graceMs)], { cwd: process.cwd() })
  const [, port = ''] = await program.printed(/listening on http:\S+:(\d+) /)
  return { program, port: Number(port) }
}

test('SIGTERM under load loses no request that was accepted, and ends with 0', { timeout: 30_000 }, async () => {
  await using server = await rawServer(answers)
  const { program, port } = await gateway(server.url)
  await using _ = program
  const replies: RawReply[] = []
  let isRefused = false
  const load = Array.from({ length: 4 }, async () => {
    while (!isRefused) {
      const reply = await rawRequest(port, get).catch(() => undefined)
      if (reply) replies.push(reply)
      else isRefused = true
    }
  })
  await expect.poll(() => replies.length).toBeGreaterThan(20)
  program.kill('SIGTERM')
  await Promise.all(load)
  expect(await program.ended).toBe(0)
  expect(program.output).toContain('cut 0')
  // One that was never accepted may be reset by the kernel, with nothing said: it is another server's.
  const lost = replies.filter((reply) => statuses(reply)[0] !== 200)
  expect(lost.filter(({ bytes }) => bytes.byteLength > 0)).toEqual([])
  expect(lost.length).toBeLessThanOrEqual(4)
})

test('a second SIGTERM ends at once what the first one waits for', { timeout: 30_000 }, async () => {
  await using server = await rawServer(hangs)
  const { program, port } = await gateway(server.url, 25_000)
  await using _ = program
  await using client = await rawClient(port)
  client.write(get)
  await server.when(({ connections }) => connections.length === 1)
  program.kill('SIGTERM')
  await expect
    .poll(() =>
      rawClient(port).then(
        () => 'accepted',
        () => 'refused',
      ),
    )
    .toBe('refused')
  expect(client.closed).toBe('open')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  expect(program.output).toContain('cut 1')
})

test.skipIf(process.platform !== 'linux')(
  'more connections than there are file descriptors end nothing; it goes on when they are gone',
  { timeout: 30_000 },
  async () => {
    await using server = await rawServer(answers)
    const program = spawn('bash', ['-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, ...nodeArgs, file, server.url])
    const ended = once(program, 'exit')
    try {
      const [first] = (await once(program.stdout, 'data')) as [Buffer]
      const port = Number(/:(\d+) /.exec(String(first))?.[1])
      const idle = await Promise.all(Array.from({ length: 150 }, () => rawClient(port)))
      await Promise.all(idle.map((client) => client.reset()))
      const status = () =>
        rawRequest(port, get, { silenceMs: 1_000 }).then(
          (reply) => statuses(reply)[0],
          () => undefined,
        )
      await expect.poll(status, { timeout: 10_000 }).toBe(200)
    } finally {
      program.kill('SIGKILL')
      await ended
    }
  },
)
