import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type Origin, origins, requireProgram, startRedis } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { type ChildProgram, childProgram } from '../../../../test/child-program.ts'
import { nodeArgs } from '../../../../test/example-program.ts'
import { cuttable } from './cuttable.ts'

const cwd = fileURLToPath(new URL('.', import.meta.url))

/** A process of its own; see node.ts. */
async function started(redis: string, { url }: Origin) {
  const program: ChildProgram = childProgram([...nodeArgs, fileURLToPath(new URL('./node.ts', import.meta.url))], {
    cwd,
    env: { REDIS: redis, UPSTREAM: url },
  })
  const [, at] = await program.printed(/listening at (\S+)/)
  const ask = (path: string) => asked(`${at}${path}`)
  const purge = async (what: object) => (await asked(`${at}/purge`, JSON.stringify(what))).code
  return { ask, purge, program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

/** Asks for the same host, whichever process it is. @param body of a POST */
async function asked(url: string, body?: string) {
  const request = httpRequest(url, { headers: { host: 'shop.example' }, method: body === undefined ? 'GET' : 'POST' })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const cacheStatus = String(response.headers['cache-status'] ?? '')
  return { code: response.statusCode, status: cacheStatus, body: Buffer.concat(await response.toArray()).toString() }
}

/** An upstream that says which version it has, of whatever. */
async function versioned() {
  const farm = await origins(1)
  const [origin] = farm.servers
  if (!origin) throw new Error('no origin')
  const state = { version: 'v1', origin, [Symbol.asyncDispose]: () => farm[Symbol.asyncDispose]() }
  origin.handler = (_, res) => {
    res.setHeader('cache-control', 'public, max-age=600')
    res.setHeader('surrogate-key', 'all-of-them')
    res.end(state.version)
  }
  return state
}

describe.skipIf(!requireProgram('redis-server'))('two processes with one Redis', () => {
  test('see each other purge, what is near as well', async () => {
    await using redis = await startRedis()
    await using upstream = await versioned()
    await using a = await started(redis.url, upstream.origin)
    await using b = await started(redis.url, upstream.origin)
    expect((await a.ask('/x')).body).toBe('v1')
    await expect.poll(async () => (await b.ask('/x')).status, { timeout: 10_000 }).toMatch(/; hit/)
    upstream.version = 'v2'
    expect((await b.ask('/x')).body).toBe('v1')
    expect(await a.purge({ tag: 'all-of-them' })).toBe(200)
    expect((await a.ask('/x')).body).toBe('v2')
    await expect.poll(async () => (await b.ask('/x')).body, { timeout: 10_000 }).toBe('v2')
  }, 180_000)

  test.each([
    ['by tag', { tag: 'all-of-them' }],
    ['by prefix', { prefix: '/' }],
    ['by key', { url: '/x' }],
  ])(
    'make up for a purge %s that Redis could not take: the one that purged sends nothing old meanwhile',
    async (_, what) => {
      await using redis = await startRedis()
      await using path = await cuttable(redis.port)
      await using upstream = await versioned()
      await using a = await started(path.url, upstream.origin)
      await using b = await started(redis.url, upstream.origin)
      expect((await a.ask('/x')).body).toBe('v1')
      await expect.poll(async () => (await b.ask('/x')).status, { timeout: 10_000 }).toMatch(/; hit/)
      path.state = 'cut'
      upstream.version = 'v2'
      expect(await a.purge(what)).toBe(503)
      expect((await a.ask('/x')).body).toBe('v2')
      // Nobody can have told it.
      expect((await b.ask('/x')).body).toBe('v1')
      path.state = 'open'
      const byA: string[] = []
      const askBoth = async () => {
        byA.push((await a.ask('/x')).body)
        return (await b.ask('/x')).body
      }
      await expect.poll(askBoth, { timeout: 20_000 }).toBe('v2')
      for (let times = 0; times < 3; times++) expect(await askBoth()).toBe('v2')
      expect(new Set(byA)).toEqual(new Set(['v2']))
      expect(a.program.output + b.program.output).not.toMatch(/unhandled|Error:/i)
    },
    60_000,
  )
})
