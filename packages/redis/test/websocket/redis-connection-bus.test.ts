import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { redisConnectionBus } from '@gatelet/redis'
import { createWebSocketApi, type OrderTaker, type WebSocketApi } from '@gatelet/websocket'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type ChildProgram, childProgram } from '../../../../test/child-program.ts'
import { connected, type OpenClient, readied } from '../clients.ts'
import { oneRedis } from '../one-redis.ts'

const redis = oneRedis()
const root = fileURLToPath(new URL('../../../../', import.meta.url))
const program = fileURLToPath(new URL('node.ts', import.meta.url))

const pairs: readonly (readonly [string, (url: string) => Promise<[OpenClient, OpenClient]>])[] = [
  ['node-redis', async (url) => [await connected(createClient({ url })), await connected(createClient({ url }))]],
  ['ioredis', async (url) => [await readied(new Redis(url)), await readied(new Redis(url))]],
]

async function node(): Promise<{ child: ChildProgram; url: string }> {
  const args = ['--conditions=@gatelet/source', '--import', 'tsx', program]
  const child = childProgram(args, { cwd: root, env: { REDIS: redis().url } })
  const [, url = ''] = await child.printed(/listening at (\S+)/)
  return { child, url }
}

/** A client of a process, and the id of its connection. */
async function opened(url: string): Promise<{ socket: WebSocket; id: string }> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'))
  socket.on('error', () => {})
  await once(socket, 'open')
  socket.send('{"action":"who"}')
  const [id] = await once(socket, 'message')
  return { socket, id: String(id) }
}

describe.each(pairs)('by %s', (_, open) => {
  test('two processes: a message, a look and a goodbye reach connections of the other, and one that is gone is gone', async () => {
    const one = await node()
    await using _one = one.child
    const two = await node()
    await using _two = two.child
    const [client, subscriber] = await open(redis().url)
    await using _client = client
    await using _subscriber = subscriber
    const bus = redisConnectionBus(client.client, subscriber.client as never)
    const api: WebSocketApi = createWebSocketApi({ bus, routes: { $default: () => Promise.reject(new Error('never')) } })
    const ada = await opened(one.url)
    const bob = await opened(two.url)

    const got = Promise.all([once(ada.socket, 'message'), once(bob.socket, 'message')])
    expect(await api.post(ada.id, 'to ada ä')).toBe('done')
    expect(await api.post(bob.id, Buffer.from([0, 255]))).toBe('done')
    expect((await got).map(([data, isBinary]) => [data, isBinary])).toEqual([
      [Buffer.from('to ada ä'), false],
      [Buffer.from([0, 255]), true],
    ])
    expect(await api.look(bob.id)).toMatchObject({ identity: { sourceIp: '127.0.0.1' } })
    expect(await api.post(bob.id, 'x'.repeat(200_000))).toBe('large')

    const closed = once(bob.socket, 'close')
    expect(await api.disconnect(bob.id)).toBe(true)
    expect((await closed)[0]).toBe(1000)
    expect(await api.post(bob.id, 'late')).toBe('gone')
    expect(await api.look(bob.id)).toBeUndefined()

    one.child.kill('SIGKILL')
    await one.child.ended
    expect(await api.post(ada.id, 'late')).toBe('gone')
    await bus.close()
  }, 60_000)

  test('what is no order does nothing, and what is no answer is not waited for for ever', async () => {
    const [client, subscriber] = await open(redis().url)
    await using _client = client
    await using _subscriber = subscriber
    const bus = redisConnectionBus(client.client, subscriber.client as never, { prefix: 'garbage', timeoutMs: 500 })
    const orders: unknown[] = []
    const take: OrderTaker = (order) => {
      orders.push(order)
      return order.do === 'look' ? new Promise(() => {}) : Promise.resolve({ result: 'done' })
    }
    const end = await bus.serve('here', take)
    for (const text of ['', 'null', '[]', '{"id":1}', '{"id":"a","replyTo":"b","order":{"do":"burn","connectionId":"c"}}'])
      await send(client, ['PUBLISH', 'garbage:here', text])
    expect(await bus.ask('here', { do: 'send', connectionId: 'here.1', data: 'x' })).toEqual({ result: 'done' })
    expect(orders).toHaveLength(1)
    expect(await bus.ask('nowhere', { do: 'close', connectionId: 'nowhere.1' })).toBeUndefined()
    await expect(bus.ask('here', { do: 'look', connectionId: 'here.1' })).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
    await end()
    expect(await bus.ask('here', { do: 'close', connectionId: 'here.1' })).toBeUndefined()
    await bus.close()
  })

  test('more orders than may wait are refused, and all are at once when there is no Redis', async () => {
    const [client, subscriber] = await open(redis().url)
    await using _client = client
    await using _subscriber = subscriber
    const bus = redisConnectionBus(client.client, subscriber.client as never, { maxPending: 1 })
    await bus.serve('node', async () => ({ result: 'done' }))
    expect(await bus.ask('node', { do: 'close', connectionId: 'node.1' })).toEqual({ result: 'done' })
    const answers = await Promise.allSettled([1, 2].map(() => bus.ask('node', { do: 'close', connectionId: 'node.1' })))
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.result : answer.reason.code))).toEqual([
      'done',
      'QUEUE_FULL',
    ])
    await subscriber[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
    await expect(bus.ask('node', { do: 'close', connectionId: 'node.1' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})

async function send({ client }: OpenClient, [command = '', ...args]: string[]): Promise<void> {
  if ('call' in client) await client.call(command, ...args)
  else await (client as { sendCommand(args: string[]): Promise<unknown> }).sendCommand([command, ...args])
}
