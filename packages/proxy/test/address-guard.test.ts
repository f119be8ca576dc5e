import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayError, Target } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, origins } from '@gatelet/testing'
import { describe, expect, test, vi } from 'vitest'
import { type AddressOptions, addressGuard } from '../src/address-guard.ts'
import { ledger } from './support/ledger.ts'

const dns = vi.hoisted(() => ({ answers: [] as { address: string; family: number }[], asked: 0 }))

vi.mock('node:dns', async (original) => ({
  ...(await original<typeof import('node:dns')>()),
  lookup: (name: string, _: object, done: (error: Error | null, found: { address: string; family: number }[]) => void) => {
    dns.asked++
    if (dns.answers.length === 0) done(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }), [])
    else done(null, dns.answers)
  },
}))

function refused(options: AddressOptions, address: string): boolean {
  try {
    addressGuard(options).check(address)
    return false
  } catch (error) {
    expect((error as GatewayError).code).toBe('UPSTREAM_ADDRESS_REFUSED')
    return true
  }
}

const special = [
  ...['127.0.0.1', '127.255.1.2', '10.1.2.3', '172.31.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '0.1.2.3'],
  ...[
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
  ],
  ...[
    'ff02::1',
    '2001:db8::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::10.0.0.1',
  ],
  ...['64:ff9b:1::1', '2002:7f00:1::1', '2001:0:1.2.3.4::80ff:fffe', '[::1]', '[::ffff:10.0.0.1]'].filter(
    (text) => !text.includes(':1.2'),
  ),
]

describe('an address', () => {
  test.each(special)('%s is not of the public internet', (address) => {
    expect(refused({}, address)).toBe(true)
  })

  test.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '169.253.1.1', '2606:4700::1111', '64:ff9b::1.1.1.1', 'a.test'])(
    '%s passes',
    (address) => {
      expect(refused({}, address)).toBe(false)
    },
  )

  test('is refused by kind and by range, and allowed all the same', () => {
    const options = { refuse: ['private', '203.0.113.0/24'], allow: ['10.1.0.0/16', 'fd00::7'] }
    const addresses = [
      '10.0.0.1',
      '10.1.0.1',
      '203.0.113.9',
      '127.0.0.1',
      'fd00::7',
      'fd00::8',
      '::ffff:10.0.0.1',
      '64:ff9b::10.1.0.1',
    ]
    expect(addresses.filter((address) => refused(options, address))).toEqual([
      '10.0.0.1',
      '203.0.113.9',
      'fd00::8',
      '::ffff:10.0.0.1',
    ])
  })

  test('is refused, whatever it is, where only others are allowed', () => {
    const options = { allow: ['10.1.0.0/16'] }
    expect(['10.1.2.3', '10.2.0.1', '1.1.1.1', '2606:4700::1111'].filter((address) => refused(options, address))).toHaveLength(3)
  })
})

describe('proxy({ addresses })', () => {
  const guarded = { addresses: { refuse: ['loopback', 'private', 'link-local'] } } as const

  test('connects to no address that is refused, and asks another endpoint: nothing was sent', async () => {
    await using farm = await origins(1)
    const port = new URL(farm.urls[0] ?? '').port
    const { HeaderList } = await import('@gatelet/core')
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0x7f.1']) {
      const balancer = ledger([
        `http://${host}:${port}`,
        { handler: () => ({ status: 200, headers: new HeaderList(), body: 'elsewhere' }) },
      ])
      const reply = await call(proxy(balancer, guarded), { method: 'POST', body: 'x' })
      expect(await reply.text()).toBe('elsewhere')
      expect(balancer.kinds).toEqual(['failure', 'success'])
    }
    expect(farm.hits).toBe(0)
  })

  test.each(['request', 'upgrade'] as const)(
    'answers 502 to the client of a %s and tells nothing of the address',
    async (kind) => {
      const reply = await call(proxy('http://169.254.169.254', guarded), { kind })
      expect(reply.status).toBe(502)
      const problem = await reply.text()
      expect(problem).toContain('UPSTREAM_ADDRESS_REFUSED')
      expect(problem).not.toContain('169')
    },
  )

  test('looks a name up once, and connects to what it has looked at', async () => {
    await using farm = await origins(1)
    const url = `http://rebinding.test:${new URL(farm.urls[0] ?? '').port}`
    dns.asked = 0
    dns.answers = [{ address: '127.0.0.1', family: 4 }]
    const reply = await call(proxy(url, guarded), '/')
    expect([reply.status, (await reply.json<{ code: string }>()).code, dns.asked]).toEqual([502, 'UPSTREAM_ADDRESS_REFUSED', 1])
    expect(farm.hits).toBe(0)
    dns.answers = [
      { address: '10.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]
    const allowing = { addresses: { refuse: ['private', 'loopback'], allow: ['127.0.0.1'] } }
    expect((await call(proxy(url, allowing), '/')).status).toBe(200)
    expect([farm.hits, dns.asked]).toEqual([1, 2])
  })

  test('leaves a name that is not found what it is', async () => {
    dns.answers = []
    const reply = await call(proxy('http://missing.test', guarded), '/')
    expect((await reply.json<{ code: string }>()).code).toBe('UPSTREAM_CONNECT_FAILED')
  })

  test('does not speak of Unix sockets', async () => {
    const socketPath = join(tmpdir(), `gatelet-guard-${process.pid}.sock`)
    const server = createServer((_, res) => res.end('by socket')).listen(socketPath)
    await once(server, 'listening')
    expect(server.address() as AddressInfo | string).toBe(socketPath)
    const target: Target = { origin: new URL('http://127.0.0.1'), socketPath }
    const handler = proxy(ledger([target]), guarded)
    expect(await (await call(handler, '/')).text()).toBe('by socket')
    await handler.close()
    server.close()
  })
})
