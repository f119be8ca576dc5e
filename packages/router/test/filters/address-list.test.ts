import { addressRanges, chain, isWithin, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type AddressListOptions, addressList } from '@gatelet/router'
import { call, describeMiddleware, rawRequest } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AddressSet } from '../../src/filters/address-set.ts'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('addressList', () => addressList({ deny: ['192.0.2.1'] }), {
  describe,
  test,
  refuses: { client: '192.0.2.1' },
})

const status = async (list: AddressListOptions, client: string) =>
  (
    await call(
      chain()
        .use(addressList(list))
        .to(() => text('in')),
      { client: { address: client } },
    )
  ).status

describe('a client', () => {
  test.each<[lists: AddressListOptions, address: string, status: number]>([
    [{}, '192.0.2.1', 200],
    [{ allow: [] }, '192.0.2.1', 403],
    [{ deny: [] }, '192.0.2.1', 200],
    [{ allow: ['192.0.2.0/24'] }, '192.0.2.255', 200],
    [{ allow: ['192.0.2.0/24'] }, '192.0.3.0', 403],
    [{ allow: ['192.0.2.7/24'] }, '192.0.2.1', 200],
    [{ deny: ['192.0.2.1'] }, '192.0.2.1', 403],
    [{ deny: ['192.0.2.1'] }, '192.0.2.2', 200],
    [{ allow: ['0.0.0.0/0'], deny: ['10.0.0.0/8'] }, '10.1.2.3', 403],
    [{ allow: ['10.0.0.1'], deny: ['10.0.0.0/8'] }, '10.0.0.1', 403],
    [{ allow: ['10.0.0.0/31'] }, '10.0.0.1', 200],
    [{ allow: ['10.0.0.0/31'] }, '10.0.0.2', 403],
    [{ allow: ['2001:db8::/33'] }, '2001:db8:7fff::1', 200],
    [{ allow: ['2001:db8::/33'] }, '2001:db8:8000::1', 403],
    [{ allow: ['::/0'] }, '192.0.2.1', 403],
    [{ allow: ['0.0.0.0/0'] }, '2001:db8::1', 403],
    [{ allow: ['::/0'] }, '2001:db8::1', 200],
    [{ deny: ['2001:DB8:0::1'] }, '2001:db8::1', 403],
    [{ deny: ['192.0.2.1'] }, '::ffff:192.0.2.1', 403],
    [{ deny: ['192.0.2.1'] }, '::ffff:c000:201', 403],
    [{ deny: ['::ffff:192.0.2.0/120'] }, '192.0.2.9', 403],
    [{ deny: ['fe80::/10'] }, 'fe80::1%eth0', 403],
    // Nobody knows who it is: as on a Unix socket.
    [{ deny: ['0.0.0.0/0', '::/0'] }, 'unknown', 200],
    [{ allow: ['0.0.0.0/0', '::/0'] }, 'unknown', 403],
  ])('of %j at %j is answered %i', async (lists, address, expected) => {
    expect(await status(lists, address)).toBe(expected)
  })

  test('is told by a problem that its address is why, and no more', async () => {
    const reply = await call(addressList({ allow: [] }))
    expect(await reply.json()).toEqual({
      title: 'Requests from this address are not taken',
      status: 403,
      code: 'ADDRESS_DENIED',
    })
  })

  test('is who the trusted proxies say, over a socket', async () => {
    const handler = chain()
      .use(addressList({ deny: ['203.0.113.0/24'] }))
      .to(() => text('in'))
    const ask = async (port: number, forwarded: string) => {
      const head = `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${forwarded}\r\n\r\n`
      return (await rawRequest(port, head, { responses: 1 })).responses[0]?.status
    }
    await using trusting = await serve(handler, { port: 0, host: '127.0.0.1', trustedProxies: ['127.0.0.1'] })
    await using other = await serve(handler, { port: 0, host: '127.0.0.1' })
    expect([await ask(trusting.port, '203.0.113.9'), await ask(trusting.port, '198.51.100.1')]).toEqual([403, 200])
    expect(await ask(other.port, '203.0.113.9')).toBe(200)
  })
})

describe('the lists', () => {
  test('are replaced for the requests to come, whole', async () => {
    const list = addressList({ deny: ['10.0.0.1'] })
    const ask = async (client: string) =>
      (
        await call(
          chain()
            .use(list)
            .to(() => text('in')),
          { client },
        )
      ).status
    expect([await ask('10.0.0.1'), await ask('10.0.0.2')]).toEqual([403, 200])
    list.replace({ allow: ['10.0.0.1'] })
    expect([await ask('10.0.0.1'), await ask('10.0.0.2')]).toEqual([200, 403])
  })

  test('stay as they were when the new ones are not right', async () => {
    const list = addressList({ deny: ['10.0.0.1'] })
    const error = refusal(() => list.replace({ allow: ['10.0.0.1'], deny: ['10.0.0.2', 'x'] }))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'deny[1]' })
    expect(error.message).toContain('addressList.replace: deny[1] must be an IP address')
    expect(
      (
        await call(
          chain()
            .use(list)
            .to(() => text('in')),
          { client: '10.0.0.1' },
        )
      ).status,
    ).toBe(403)
  })

  test.each<[options: unknown, path: string]>([
    [{ allow: '10.0.0.0/8' }, 'allow'],
    [{ allow: ['10.0.0.0/33'] }, 'allow[0]'],
    [{ deny: ['::1', 'localhost'] }, 'deny[1]'],
    [{ deny: ['10.0.0.0/-1'] }, 'deny[0]'],
    [{ deny: ['::ffff:10.0.0.0/8'] }, 'deny[0]'],
    [{ deny: [''] }, 'deny[0]'],
    [{ deny: [7] }, 'deny[0]'],
  ])('%j are refused', (options, path) => {
    expect(refusal(() => addressList(untyped<AddressListOptions>(options)))).toMatchObject({ code: 'BAD_OPTION', path })
  })
})

test('a list of more than is allowed is refused', () => {
  const error = refusal(() => addressList({ deny: new Array(100_001).fill('10.0.0.1') }))
  expect(error.message).toContain('deny must be a list of at most 100000')
})

test('a set of ranges says the same as looking at each of them', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`)
  const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 96, max: 128 })).map(([address, bits]) => `${address}/${bits}`)
  const near = fc.constantFrom(
    '10.0.0.0/8',
    '10.1.0.0/15',
    '10.1.2.0/23',
    '10.1.2.3',
    '2001:db8::/29',
    '2001:db8::/45',
    '::1',
    '::/0',
    '0.0.0.0/1',
  )
  const some = fc.array(fc.oneof(v4, v6, near), { maxLength: 6 })
  const asked = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.1.2.3', '10.1.3.255', '10.2.0.0', '2001:db8:7::', '2001:dbf::1', '::ffff:10.1.2.3', 'x', ''),
  )
  fc.assert(
    fc.property(some, asked, (ranges, address) => {
      expect(new AddressSet(ranges, 'x').has(address)).toBe(isWithin(address, addressRanges(ranges, 'x')))
    }),
    { seed: 11, numRuns: 3_000 },
  )
})
