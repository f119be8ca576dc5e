import { lookup } from 'node:dns'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { proxy } from '@gatelet/proxy'
import { call, rawRequest } from '@gatelet/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { authority, certificate } from '../certificates/certificates.ts'
import { fronts } from './support/fronts.ts'
import { message, room, statuses } from './support/room.ts'

// Which address is connected to, and whose certificate is right.

vi.mock('node:dns', async (original) => {
  const dns = await original<typeof import('node:dns')>()
  return { ...dns, lookup: vi.fn(dns.lookup) }
})

afterEach(() => void vi.mocked(lookup).mockReset())

/** What the name server says next, one answer after the other. */
function answering(...addresses: string[]): void {
  const queue = [...addresses]
  const fake = (_name: string, options: object, done: (error: null, found: unknown, family?: number) => void) => {
    const address = queue.length > 1 ? queue.shift() : queue[0]
    const family = address?.includes(':') ? 6 : 4
    if ('all' in options && options.all) done(null, [{ address, family }])
    else done(null, address, family)
  }
  vi.mocked(lookup).mockImplementation(fake as never)
}

const codeOf = async (url: string, addresses: object) => {
  const forward = proxy(url, { addresses, timeouts: { connectMs: 500 } })
  const reply = await call(forward)
  const body = await reply.text()
  await forward.close()
  return `${reply.status} ${/"code":"([A-Z_]+)"/.exec(body)?.[1] ?? body}`
}

describe('where special addresses are refused', () => {
  test.each([
    '169.254.169.254',
    '127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '[::1]',
    '[fe80::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
  ])('%s is not connected to', async (address) => {
    expect(await codeOf(`http://${address}:9`, {})).toBe('502 UPSTREAM_ADDRESS_REFUSED')
  })

  test('a name that leads to one is not connected to', async () => {
    answering('169.254.169.254')
    expect(await codeOf('http://metadata.test:80', {})).toBe('502 UPSTREAM_ADDRESS_REFUSED')
  })

  test('a name that leads elsewhere a moment later gains nothing: what was looked at is what is connected to', async () => {
    await using scene = await room()
    const { port } = new URL(scene.upstream.url)
    // Public at first, as for a check before the connection; ours when it is made.
    answering('203.0.113.7', '127.0.0.1')
    const guard = { refuse: ['loopback'] }
    expect(await codeOf(`http://rebinding.test:${port}`, guard)).toMatch(/^50[24] UPSTREAM_CONNECT_/)
    expect(await codeOf(`http://rebinding.test:${port}`, guard)).toBe('502 UPSTREAM_ADDRESS_REFUSED')
    expect(scene.upstream.server.connections).toHaveLength(0)
  })
})

describe.each(['stranger', 'expired', 'star'] as const)('the certificate %s', (name) => {
  test.each(fronts)('of an upstream is 502 on $name, whatever the client says in Host', async (front) => {
    await using server = await secure(name)
    const forward = proxy(server.url, { tls: { ca: [authority] } })
    const { port, close } = await front.start(forward)
    const reply = await rawRequest(port, message('GET /x', ['Host: x.b.test']))
    await close()
    await forward.close()
    expect(statuses(reply)).toEqual([502])
    expect(server.asked).toEqual([])
  })
})

test('the name that is asked for, and that the certificate must have, is from the configuration, not from Host', async () => {
  await using server = await secure('a')
  const forward = proxy(server.url, { tls: { ca: [authority] }, host: 'preserve' })
  const { port, close } = await fronts[0]!.start(forward)
  const reply = await rawRequest(port, message('GET /x', ['Host: evil.test']))
  await close()
  await forward.close()
  expect(statuses(reply)).toEqual([200])
  expect(server.asked).toEqual(['localhost evil.test'])
})

async function secure(name: 'a' | 'stranger' | 'expired' | 'star') {
  const asked: string[] = []
  const { cert, key } = certificate(name)
  const server = createServer({ cert, key }, (req, res) => {
    asked.push(`${(req.socket as unknown as { servername: string }).servername} ${req.headers.host}`)
    res.end('fine')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
