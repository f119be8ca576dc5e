import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { type BalancerOptions, createBalancer } from '@gatelet/balancer'
import { type EventMap, proxyHeader, subscribe } from '@gatelet/core'
import { type TcpOptions, tcpBalancer } from '@gatelet/proxy'
import { baseline, rawClient, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { blackHole } from '../support/black-hole.ts'
import { until } from '../support/until.ts'

/** A server that does with each connection what it is told. */
async function upstream(onConnection: (socket: Socket) => void, path?: string) {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, server }
}

const named = (name: string, path?: string) =>
  upstream((socket) => {
    socket.on('data', (data) => socket.write(`${name}:${data}`))
    socket.on('end', () => socket.end())
  }, path)

/** A port where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `tcp://127.0.0.1:${port}`
}

async function front(endpoints: BalancerOptions['endpoints'], options: TcpOptions = {}, more: Partial<BalancerOptions> = {}) {
  const balancer = createBalancer({ endpoints, strategy: 'first-available', ...more })
  const server = await tcpBalancer(balancer, { host: '127.0.0.1', ...options })
  onTestFinished(() => server.close({ graceMs: 0 }))
  const inflight = () => balancer.endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
  return { balancer, server, port: server.port, inflight }
}

function heard(): EventMap['connection:finished'][] {
  const events: EventMap['connection:finished'][] = []
  onTestFinished(subscribe('connection:finished', (event) => void events.push(event)))
  return events
}

describe('a connection', () => {
  test.each([
    [{ refuse: ['loopback'] }, 'b'],
    [{ allow: ['127.0.0.1'] }, 'a'],
  ])('with addresses %j goes to %s', async (addresses, name) => {
    const a = await named('a')
    const path = join(tmpdir(), `gatelet-tcp-${process.pid}-${name}.sock`)
    const b = await named('b', path)
    const { port, balancer } = await front([a.url, { url: 'tcp://b.invalid:1', socketPath: path }], { addresses })
    await using client = await rawClient(port)
    client.write('hello')
    expect(await client.read(':hello')).toBe(`${name}:hello`)
    expect([a.sockets.size, b.sockets.size]).toEqual(name === 'a' ? [1, 0] : [0, 1])
    expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual(name === 'a' ? [1, 0] : [0, 1])
  })

  test('is closed where no address may be connected to', async () => {
    const events = heard()
    const { port, inflight } = await front(['tcp://localhost:1', 'tcp://169.254.169.254:80', 'tcp://[::ffff:127.0.0.1]:1'], {
      addresses: {},
    })
    await using client = await rawClient(port)
    await client.left()
    await until(() => events.length > 0)
    expect(events.at(-1)).toMatchObject({ outcome: 'refused', error: { code: 'UPSTREAM_ADDRESS_REFUSED' } })
    expect(inflight()).toBe(0)
  })

  test('outlives a balancer that throws when it is told of it', async () => {
    const { url } = await named('a')
    const warned: string[] = []
    const note = (warning: Error) => void warned.push(warning.message)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const target = { origin: new URL(url) }
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    const fail = () => {
      throw new Error('no')
    }
    const balancer = { acquire: () => ({ endpoint, target, answered: fail, release: fail }), close: () => Promise.resolve() }
    const server = await tcpBalancer(balancer, { host: '127.0.0.1' })
    const client = await rawClient(server.port)
    client.write('hello')
    expect(await client.read('a:hello')).toBe('a:hello')
    client.end()
    expect(await client.left()).toBe('end')
    await server.close()
    await until(() => warned.some((message) => message.includes('a balancer threw')))
  })

  test('goes to an endpoint, both ways, and is counted while it lasts', async () => {
    const events = heard()
    const { port, inflight, server } = await front([(await named('a')).url])
    const client = await rawClient(port)
    client.write('hello')
    expect(await client.read('a:hello')).toBe('a:hello')
    expect([inflight(), server.connections]).toEqual([1, 1])
    client.end()
    expect(await client.left()).toBe('end')
    await until(() => inflight() === 0 && events.length > 0)
    expect(events.at(-1)).toMatchObject({ outcome: 'finished', received: 5, sent: 7, client: { address: '127.0.0.1' } })
  })

  test('may be half-closed by the client: the answer still comes', async () => {
    const { url } = await upstream((socket) => {
      let all = ''
      socket.on('data', (data) => (all += data))
      socket.on('end', () => socket.end(`got ${all}`))
    })
    const { port } = await front([url])
    await using client = await rawClient(port)
    client.write('the whole question')
    client.end()
    expect(await client.read('got the whole question')).toBe('got the whole question')
    expect(await client.left()).toBe('end')
  })

  test('may be half-closed by the server: the client may still send', async () => {
    let received = ''
    const { url } = await upstream((socket) => {
      socket.on('data', (data) => (received += data))
      socket.end('bye')
    })
    const { port, inflight } = await front([url])
    await using client = await rawClient(port)
    await client.read('bye')
    expect(await client.left()).toBe('end')
    client.write('still here')
    await until(() => received === 'still here')
    expect(inflight()).toBe(1)
  })

  test('is broken off for the client when the server breaks it off', async () => {
    const events = heard()
    const { url } = await upstream((socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    const { port, inflight, balancer } = await front([url])
    await using client = await rawClient(port)
    client.write('x')
    expect(await client.left()).toBe('reset')
    await until(() => inflight() === 0 && events.some(({ outcome }) => outcome === 'failed'))
    expect(balancer.endpoints[0]?.consecutiveFailures).toBe(1)
  })

  test('is broken off for the server when the client breaks it off', async () => {
    const broken: unknown[] = []
    const { url, sockets } = await upstream((socket) => {
      socket.on('data', () => {})
      socket.on('error', (error) => broken.push(error))
    })
    const { port, inflight, balancer } = await front([url])
    const client = await rawClient(port)
    await until(() => sockets.size === 1)
    client.write('x')
    await client.reset()
    await until(() => sockets.size === 0 && inflight() === 0)
    expect(broken).toMatchObject([{ code: 'ECONNRESET' }])
    expect(balancer.endpoints[0]?.consecutiveFailures).toBe(0)
  })

  test('that carries TLS passes unopened', async () => {
    const file = (name: string) => readFileSync(new URL(`../support/tls/${name}`, import.meta.url))
    const server = createTlsServer({ key: file('key.pem'), cert: file('cert.pem') }, (socket) => socket.end('secret')).listen(0)
    await once(server, 'listening')
    const { port } = await front([`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`])
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    const [data] = await once(socket, 'data')
    expect(String(data)).toBe('secret')
    socket.destroy()
    server.close()
  })
})

describe('an endpoint that cannot be connected to', () => {
  test('costs the client nothing while there is another', async () => {
    const { port, balancer } = await front([await nobody(), await nobody(), (await named('c')).url])
    await using client = await rawClient(port)
    client.write('x')
    expect(await client.read('c:x')).toBe('c:x')
    expect(balancer.endpoints.map(({ consecutiveFailures }) => consecutiveFailures)).toEqual([1, 1, 0])
  })

  test('because it hangs, is left after its time', async () => {
    await using hole = await blackHole()
    const { port } = await front([`tcp://127.0.0.1:${hole.port}`, (await named('b')).url], { connectMs: 100 })
    await using client = await rawClient(port)
    client.write('x')
    expect(await client.read('b:x')).toBe('b:x')
  })

  test('closes the connection when there is no other', async () => {
    const events = heard()
    const { port, inflight } = await front([await nobody()])
    await using client = await rawClient(port)
    await client.left()
    expect(inflight()).toBe(0)
    await until(() => events.some(({ outcome }) => outcome === 'refused'))
    expect(events.at(-1)).toMatchObject({ outcome: 'refused', error: { code: 'UPSTREAM_CONNECT_FAILED' } })
  })

  test('or is a function, is passed over', async () => {
    const { port } = await front([{ id: 'f', handler: () => Promise.reject(new Error('never')) }, (await named('b')).url])
    await using client = await rawClient(port)
    client.write('x')
    expect(await client.read('b:x')).toBe('b:x')
  })
})

describe('limits', () => {
  test('a client waits in the balancer’s queue, and leaves it when it goes', async () => {
    const { port, server, inflight } = await front([(await named('a')).url], {}, { limits: { total: 1 }, queue: { size: 5 } })
    const first = await rawClient(port)
    first.write('1')
    await first.read('a:1')
    const gone = await rawClient(port)
    const waiting = await rawClient(port)
    waiting.write('2')
    await until(() => server.connections === 3)
    await gone.reset()
    await until(() => server.connections === 2)
    first.end()
    expect(await waiting.read('a:2')).toBe('a:2')
    expect(inflight()).toBe(1)
    waiting.end()
    await until(() => inflight() === 0)
  })

  test('more connections than allowed are closed at once', async () => {
    const { port } = await front([(await named('a')).url], { maxConnections: 1 })
    await using first = await rawClient(port)
    first.write('x')
    await first.read('a:x')
    await using second = await rawClient(port)
    await second.left()
  })

  test('a connection that carries nothing is closed after its time', async () => {
    const events = heard()
    const { port, inflight } = await front([(await named('a')).url], { idleMs: 100 })
    await using client = await rawClient(port)
    client.write('x')
    await client.read('a:x')
    await client.left()
    await until(() => inflight() === 0 && events.some(({ outcome }) => outcome === 'failed'))
    expect(events.at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'DEADLINE_EXCEEDED' } })
  })
})

describe('the PROXY protocol', () => {
  const echo = () => upstream((socket) => socket.pipe(socket))

  test.each([1, 2] as const)('version %i tells the endpoint of the client', async (send) => {
    let port = 0
    const { url } = await upstream((socket) => socket.pipe(socket))
    const { server, port: listening } = await front([url], { proxyProtocol: { send } })
    server.server.on('connection', (socket: Socket) => {
      port = socket.remotePort ?? 0
    })
    await using client = await rawClient(listening)
    client.write('hello')
    const expected = proxyHeader(send, { address: '127.0.0.1', port, localAddress: '127.0.0.1', localPort: listening })
    expect(await client.read('hello')).toBe(`${expected.toString('latin1')}hello`)
  })

  test('is believed of a peer that is named, split as it likes, and nothing behind it is lost', async () => {
    const { url } = await echo()
    const seen: string[] = []
    const options: TcpOptions = {
      proxyProtocol: { from: ['127.0.0.0/8'], send: 1 },
      hashKey: ({ address, port }) => {
        seen.push(`${address} ${port}`)
        return address
      },
    }
    const { port, server } = await front([url], options)
    let accepted: Socket | undefined
    server.server.once('connection', (socket: Socket) => {
      accepted = socket
    })
    const header = proxyHeader(2, { address: '192.0.2.7', port: 1_234, localAddress: '10.0.0.1', localPort: 443 })
    await using client = await rawClient(port)
    client.write(header.subarray(0, 9))
    await until(() => accepted?.bytesRead === 9)
    client.write(Buffer.concat([header.subarray(9), Buffer.from('hello')]))
    expect(await client.read('hello')).toBe(`PROXY TCP4 192.0.2.7 127.0.0.1 1234 ${port}\r\nhello`)
    client.write('more')
    expect(await client.read('more')).toBe('more')
    expect(seen).toEqual(['192.0.2.7 1234'])
  })

  test('that does not come, closes the connection', async () => {
    const { url, sockets } = await echo()
    const { port } = await front([url], { proxyProtocol: { from: ['127.0.0.1'] } })
    await using client = await rawClient(port)
    client.write('GET / HTTP/1.1\r\n\r\n')
    await client.left()
    expect(sockets.size).toBe(0)
  })

  test('is waited for five seconds at most', async () => {
    const clock = virtualClock()
    const { port, server } = await front([(await echo()).url], { clock, proxyProtocol: { from: ['127.0.0.1'] } })
    await using client = await rawClient(port)
    await until(() => server.connections === 1)
    await clock.advance(5_000)
    await client.left()
  })
})

test('one client address stays at one endpoint, where the strategy hashes', async () => {
  const endpoints = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => (await named(name)).url))
  const { port } = await front(endpoints, {}, { strategy: 'rendezvous' })
  const names = new Set<string>()
  for (let n = 0; n < 8; n++) {
    await using client = await rawClient(port)
    client.write('x')
    names.add(await client.read(':x'))
  }
  expect(names.size).toBe(1)
})

test('closing lets connections end, and breaks off what is left', async () => {
  const { port, server, inflight } = await front([(await named('a')).url])
  const [ending, staying] = [await rawClient(port), await rawClient(port)]
  for (const client of [ending, staying]) {
    client.write('x')
    await client.read('a:x')
  }
  const closing = server.close()
  await expect(rawClient(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  ending.write('y')
  expect(await ending.read('a:y')).toBe('a:y')
  ending.end()
  await until(() => server.connections === 1)
  await Promise.all([server.close({ graceMs: 0 }), closing])
  expect(await staying.left()).toBe('reset')
  await until(() => inflight() === 0)
})

test('300 clients that leave in every way leave nothing behind', async () => {
  const { url } = await named('a')
  const before = baseline()
  const balancer = createBalancer({ endpoints: [url, await nobody()], limits: { total: 20 }, queue: { size: 30 } })
  const server = await tcpBalancer(balancer, { host: '127.0.0.1' })
  const visit = async (n: number) => {
    const client = await rawClient(server.port)
    if (n % 3) client.write('x')
    if (n % 5 === 0) await client.reset()
    else client.end()
    await client.left().catch(() => {})
  }
  for (let n = 0; n < 300; n += 30) await Promise.all(Array.from({ length: 30 }, (_, at) => visit(n + at)))
  await until(() => balancer.endpoints.every(({ inflight }) => inflight === 0))
  await server.close()
  await before.settled()
  expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0])
})

test.each<[option: string, options: object, path: string]>([
  ['a port', { port: 65_536 }, 'port'],
  ['a peer', { proxyProtocol: { from: ['10.0.0.0/40'] } }, 'proxyProtocol.from[0]'],
  ['a version', { proxyProtocol: { send: 3 } }, 'proxyProtocol.send'],
])('%s that is not right is refused', async (_, options, path) => {
  await expect(tcpBalancer(createBalancer({ endpoints: [] }), options)).rejects.toMatchObject({ code: 'BAD_OPTION', path })
})

test('what is no balancer is refused', async () => {
  await expect(tcpBalancer({} as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
