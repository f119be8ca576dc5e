import { sameOrigin } from '@gatelet/auth'
import { chain } from '@gatelet/core'
import { rawClient } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { upgradingFronts } from './support/fronts.ts'
import { type Attack, message, played, type RoomOptions, room, statuses } from './support/room.ts'

// An upgrade is a way past everything behind it, so it is the upstream's own 101 that opens it.

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`]
const without = (name: string) => fields.filter((field) => !field.startsWith(name))
const handshake = message('GET /ws', fields)

const switching = (accept: string) => () =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`

const refused = (name: string, sends: string, status = 400): Attack => ({ name, sends, gets: [status], sees: [] })

describe.each(upgradingFronts)('behind $name', (front) => {
  test.each([
    refused('a handshake without a key', message('GET /ws', without('Sec-WebSocket-Key'))),
    refused(
      'a handshake with a key of another length',
      message('GET /ws', [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: eA==']),
    ),
    refused('version 8', message('GET /ws', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']), 426),
    refused('a handshake by POST', message('POST /ws', fields)),
    refused('a handshake with a body', message('GET /ws', [...fields, 'Content-Length: 5'], 'hello')),
    refused('a handshake with a body in chunks', message('GET /ws', [...fields, 'Transfer-Encoding: chunked'], '0\r\n\r\n')),
    refused('a handshake with two Hosts', message('GET /ws', [...fields, 'Host: a.test', 'Host: b.test'])),
  ])('$name is refused, and no upstream asked', async (attack) => {
    await played(attack, { front })
  })

  test.each([200, 302, 403])('bytes behind a handshake that the upstream answers with %i never reach it', async (status) => {
    const answer = () => `HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`
    const sends = `${handshake}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n`
    const { reply, upstream } = await played({ name: '', sends, gets: [status], sees: ['GET /ws'] }, { front, answer })
    expect(reply.responses[0]?.text).toBe('no')
    expect(upstream.server.connections.map(({ received }) => received.includes('smuggled'))).toEqual([false])
  })

  test('bytes behind a handshake wait for the 101', async () => {
    await using scene = await room({ front, answer: switching(ACCEPT) })
    await using client = await rawClient(scene.port)
    client.write(`${handshake}\x81\x05hello`)
    expect((await client.response()).status).toBe(101)
    const [connection] = scene.upstream.server.connections
    await scene.upstream.server.when(() => connection?.received.includes('\x81\x05hello', 0, 'latin1'))
    const text = connection?.received.toString('latin1') ?? ''
    expect(text.indexOf('\x81\x05hello')).toBe(text.indexOf('\r\n\r\n') + 4)
  })

  describe('a 101 that is not right is 502:', () => {
    test.each([
      ['another Sec-WebSocket-Accept', switching('AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
      ['no Upgrade', () => `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`],
      [
        'another protocol',
        () => `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
      ],
    ])('%s', async (_, answer) => {
      await using scene = await room({ front, answer })
      expect(statuses(await scene.ask(handshake))).toEqual([502])
    })
  })

  test.each(['h2c', 'TLS/1.0', 'foo'])('an upgrade to %s is served as a plain request, without the field', async (protocol) => {
    const sends = message('GET /x', ['Connection: Upgrade, close', `Upgrade: ${protocol}`])
    const { upstream } = await played({ name: '', sends, gets: [200], sees: ['GET /x'] }, { front })
    expect(upstream.requests[0]?.all('upgrade')).toEqual([])
  })

  describe('a handshake that a page of another site makes a browser send (row 80)', () => {
    const layers: RoomOptions['layers'] = (forward) =>
      chain()
        .use(sameOrigin({ allow: ['https://app.test'] }))
        .to(forward)

    test.each([
      ['another origin', ['Origin: https://evil.test', 'Cookie: sid=1'], 403],
      ['another origin, without cookies', ['Origin: https://evil.test'], 403],
      ['an origin that ends like ours', ['Origin: http://evil-a.test'], 403],
      ['an origin that begins like ours', ['Origin: http://a.test.evil.test'], 403],
      ['another port', ['Origin: http://a.test:8080'], 403],
      ['no origin, and cookies', ['Cookie: sid=1'], 403],
      ['an origin that hides', ['Origin: null'], 403],
      ['two origins', ['Origin: http://a.test', 'Origin: https://evil.test'], 403],
      ['our own origin', ['Origin: http://a.test', 'Cookie: sid=1'], 101],
      ['one that is listed', ['Origin: https://app.test', 'Cookie: sid=1'], 101],
      ['no origin and nothing that browsers add', [], 101],
    ])('%s', async (_, more, status) => {
      await using scene = await room({ front, layers, answer: switching(ACCEPT) })
      await using client = await rawClient(scene.port)
      client.write(message('GET /ws', [...fields, ...more]))
      expect((await client.response()).status).toBe(status)
      expect(scene.upstream.lines).toEqual(status === 101 ? ['GET /ws'] : [])
    })
  })

  test('a 101 that nobody asked for is 502, and what stands behind it goes nowhere', async () => {
    const answer = () => `${switching(ACCEPT)()}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`
    await using scene = await room({ front, answer })
    const reply = await scene.ask(message('GET /x'))
    expect(statuses(reply)).toEqual([502])
    expect(reply.responses[0]?.text).not.toContain('evil')
  })
})
