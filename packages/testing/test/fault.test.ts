import { type Fault, type Origin, origins, rawClient, rawRequest, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (bytes: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`

/** Asks on a connection of its own, until it is closed or one whole answer came. */
const ask = (origin: Origin, data = get) => rawRequest(origin.port, data, { responses: 1 })

async function expectWell(origin: Origin): Promise<void> {
  origin.fault = undefined
  const { responses } = await ask(origin)
  expect(responses).toMatchObject([{ status: 200, complete: true }])
}

test('status: answers with it when the whole request is here, until it is taken back', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  origin.fault = { kind: 'status', status: 503, headers: { 'retry-after': '7' }, body: 'busy' }
  const { responses } = await ask(origin, `${post(5)}hello`)
  expect(responses).toMatchObject([{ status: 503, text: 'busy', complete: true }])
  expect(responses[0]?.headers.get('retry-after')).toBe('7')
  expect(origin.requests).toMatchObject([{ fault: 'status', complete: true }])
  await expectWell(origin)
})

test('times: goes away after so many requests', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  origin.fault = { kind: 'status', status: 500, times: 2 }
  const statuses: (number | undefined)[] = []
  for (let asked = 0; asked < 4; asked++) statuses.push((await ask(origin)).responses[0]?.status)
  expect(statuses).toEqual([500, 500, 200, 200])
  expect(origin.requests.map(({ fault }) => fault)).toEqual(['status', 'status', undefined, undefined])
})

describe('hang-before-headers', () => {
  test('takes the whole request and says nothing until release()', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'hang-before-headers' }
    await using client = await rawClient(origin.port)
    client.write(`${post(300_000)}${'x'.repeat(300_000)}`)
    await origin.when(() => origin.requests[0]?.complete)
    expect(client.received.byteLength).toBe(0)
    origin.release()
    expect(await client.response()).toMatchObject({ status: 200, complete: true })
  })

  test('a handler reads the body after release()', async () => {
    await using farm = await origins(1, {
      async handler(req, res) {
        let bytes = 0
        for await (const chunk of req) bytes += chunk.length
        res.end(String(bytes))
      },
    })
    const origin = farm.servers[0]!
    origin.fault = { kind: 'hang-before-headers' }
    await using client = await rawClient(origin.port)
    client.write(`${post(300_000)}${'x'.repeat(300_000)}`)
    await origin.when(() => origin.requests[0]?.complete)
    origin.release()
    expect(await client.response()).toMatchObject({ text: '300000' })
  })

  test('forgets a client that left', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'hang-before-headers' }
    const client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => origin.hits === 1)
    await client.reset()
    await origin.when(() => origin.requests[0]?.aborted)
    origin.release()
    await expectWell(origin)
  })
})

test('reset-before-headers: breaks the connection off', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  origin.fault = { kind: 'reset-before-headers' }
  expect(await ask(origin)).toMatchObject({ text: '', closed: 'reset' })
  await expectWell(origin)
})

const framings: [framing: string, chunked: boolean][] = [
  ['Content-Length', false],
  ['chunks', true],
]

describe.each(framings)('in the middle of a body framed by %s', (_, chunked) => {
  test('hang-mid-body: sends a part, and the rest at release()', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'hang-mid-body', sentBytes: 10, chunked }
    await using client = await rawClient(origin.port)
    client.write(get)
    await client.read('x'.repeat(10))
    origin.release()
    await client.read('x'.repeat(1024))
    expect(client.closed).toBe('open')
  })

  const endings: [kind: 'reset-mid-body' | 'close-mid-body', sentBytes: number, closed: string][] = [
    ['reset-mid-body', 10, 'reset'],
    ['reset-mid-body', 0, 'reset'],
    ['close-mid-body', 10, 'end'],
    ['close-mid-body', 0, 'end'],
  ]

  test.each(endings)('%s: sends the head and %d bytes, and the client sees a %s', async (kind, sentBytes, closed) => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind, sentBytes, chunked }
    const reply = await ask(origin)
    expect(reply.responses).toMatchObject([{ status: 200, text: 'x'.repeat(sentBytes), complete: false }])
    expect(reply.closed).toBe(closed)
    await expectWell(origin)
  })
})

describe('delay', () => {
  test('answers so much later, by the clock of the farm', async () => {
    const clock = virtualClock()
    await using farm = await origins(1, { clock })
    const origin = farm.servers[0]!
    origin.fault = { kind: 'delay', ms: 500 }
    await using client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => clock.pending === 1)
    await clock.advance(499)
    expect(client.received.byteLength).toBe(0)
    await clock.advance(1)
    expect(await client.response()).toMatchObject({ status: 200 })
  })

  test('release() cuts it short, and no timer stays', async () => {
    const clock = virtualClock()
    await using farm = await origins(1, { clock })
    const origin = farm.servers[0]!
    origin.fault = { kind: 'delay', ms: 500 }
    await using client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => clock.pending === 1)
    origin.release()
    expect(await client.response()).toMatchObject({ status: 200 })
    expect(clock.pending).toBe(0)
  })

  test('no timer stays when the client leaves', async () => {
    const clock = virtualClock()
    await using farm = await origins(1, { clock })
    const origin = farm.servers[0]!
    origin.fault = { kind: 'delay', ms: 500 }
    const client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => clock.pending === 1)
    await client.reset()
    await origin.when(() => clock.pending === 0)
  })

  test('without a time it waits for release()', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'delay' }
    await using client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => origin.hits === 1)
    origin.release()
    expect(await client.response()).toMatchObject({ status: 200 })
  })
})

describe('refuse', () => {
  test('refuses connections and closes idle ones, until it is taken back', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    await using idle = await rawClient(origin.port)
    idle.write(get)
    await idle.response()
    origin.fault = { kind: 'refuse' }
    await expect(ask(origin)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await idle.left()).toBe('end')
    origin.fault = undefined
    await origin.start()
    await expectWell(origin)
  })

  test('lets what is being answered go on', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'delay' }
    await using client = await rawClient(origin.port)
    client.write(get)
    await origin.when(() => origin.hits === 1)
    origin.fault = { kind: 'refuse' }
    origin.release()
    expect(await client.response()).toMatchObject({ status: 200 })
  })

  test('can be switched faster than a port opens', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    for (let times = 0; times < 10; times++) {
      origin.fault = { kind: 'refuse' }
      origin.fault = undefined
    }
    await origin.start()
    await expectWell(origin)
    origin.fault = undefined
    origin.fault = { kind: 'refuse' }
    await expect(ask(origin)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('close-after-reply', () => {
  test('closes the connection after the whole reply, without having said so', async () => {
    await using farm = await origins(1)
    const origin = farm.servers[0]!
    origin.fault = { kind: 'close-after-reply' }
    const { responses, closed } = await rawRequest(origin.port, get)
    expect(responses).toMatchObject([{ status: 200, complete: true }])
    expect(responses[0]?.headers.get('connection')).not.toBe('close')
    expect(closed).toBe('end')
    expect(origin.requests[0]?.aborted).toBe(false)
  })

  test('waits by the clock of the farm, and no timer stays', async () => {
    const clock = virtualClock()
    await using farm = await origins(1, { clock })
    const origin = farm.servers[0]!
    origin.fault = { kind: 'close-after-reply', afterMs: 100 }
    await using client = await rawClient(origin.port)
    for (let asked = 0; asked < 12; asked++) {
      client.write(get)
      await client.response()
    }
    await origin.when(() => clock.pending === 1)
    await clock.advance(100)
    expect(await client.left()).toBe('end')

    await using leaving = await rawClient(origin.port)
    leaving.write(get)
    await leaving.response()
    await origin.when(() => clock.pending === 1)
    await leaving.reset()
    await origin.when(() => clock.pending === 0)
  })
})

test('close-on-reuse: answers the first request of each connection and closes at the second', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  origin.fault = { kind: 'close-on-reuse', times: 1 }
  await using client = await rawClient(origin.port)
  client.write(get)
  expect(await client.response()).toMatchObject({ status: 200 })
  client.write(get)
  expect(await client.left()).toBe('end')
  await using other = await rawClient(origin.port)
  for (let asked = 0; asked < 3; asked++) {
    other.write(get)
    expect(await other.response()).toMatchObject({ status: 200 })
  }
  expect(origin.requests.map(({ fault }) => fault)).toEqual([undefined, 'close-on-reuse', undefined, undefined, undefined])
})

test('slow-reader: stops reading the body until release()', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  const bytes = 33_554_432
  origin.fault = { kind: 'slow-reader' }
  await using client = await rawClient(origin.port)
  client.write(post(bytes))
  client.write(Buffer.alloc(bytes))
  await origin.when(() => origin.requests[0] && origin.requests[0].bodyBytes > 0)
  expect(origin.requests[0]?.bodyBytes).toBeLessThan(1_048_576)
  expect(origin.requests[0]?.complete).toBe(false)
  origin.release()
  expect(await client.response()).toMatchObject({ status: 200 })
  expect(origin.requests[0]).toMatchObject({ bodyBytes: bytes, complete: true })
})

const onUpgrade: [fault: Fault, text: RegExp, closed: string][] = [
  [{ kind: 'status', status: 403 }, /^HTTP\/1\.1 403 /, 'end'],
  [{ kind: 'reset-before-headers' }, /^$/, 'reset'],
  [{ kind: 'reset-mid-body' }, /^HTTP\/1\.1 200 .*x$/s, 'reset'],
  [{ kind: 'delay', ms: 1 }, /^HTTP\/1\.1 101 .*$/s, 'end'],
]

test.each(onUpgrade)('upgrades meet faults too: %j', async (fault, text, closed) => {
  await using farm = await origins(1, {
    upgrade: (_, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  })
  farm.servers[0]!.fault = fault
  const reply = await rawRequest(farm.servers[0]!.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  expect(reply.text).toMatch(text)
  expect(reply.closed).toBe(closed)
})

test('a fault that a client leaves in the middle of harms nobody', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  const kinds: Fault['kind'][] = [
    'hang-mid-body',
    'reset-mid-body',
    'close-mid-body',
    'close-after-reply',
    'slow-reader',
    'delay',
  ]
  for (const kind of kinds) {
    origin.fault = { kind } as Fault
    const client = await rawClient(origin.port)
    client.write(`${post(5)}he`)
    await origin.when(() => origin.requests.at(-1)?.fault === kind)
    await client.reset()
    await origin.when(() => origin.requests.at(-1)?.aborted)
    origin.release()
  }
  await expectWell(origin)
})
