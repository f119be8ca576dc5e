import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './cell.ts'
import { cut, leaves, refused, slowReader, status, statuses, upload } from './clients.ts'
import { get, handshake, longUpload } from './requests.ts'
import { answers, early, endless, keepAliveRace, large, reads, resets, says } from './servers.ts'

/** The nineteen, in the order of the table. */
export const faults: readonly Fault[] = [
  {
    title: 'refuses the connection',
    must: '502 or 503',
    play: (cell) => status(cell, get(), [502, 503]),
  },
  {
    title: 'hangs before the headers',
    must: '504 in time; lets go when the client leaves',
    upstream: reads,
    async play(cell) {
      const leaving = await cell.connect()
      leaving.write(get())
      await cell.wasAsked()
      await leaving[Symbol.asyncDispose]()
      const letsGo = await cell.letsGo(1_000)
      const { isRight, seen } = await status(cell, get(), [504])
      return { isRight: isRight && letsGo, seen: letsGo ? seen : `${seen}; upstream held after the client left` }
    },
  },
  {
    title: 'hangs in the middle of the body',
    must: 'the client is cut off in time',
    upstream: says('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'),
    play: cut,
  },
  {
    title: 'resets in the middle of a chunked body',
    must: 'visibly cut off',
    upstream: says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', (connection) => connection.reset()),
    play: cut,
  },
  {
    title: 'resets before the headers',
    must: '502',
    upstream: resets,
    play: (cell) => status(cell, get(), [502]),
  },
  {
    title: 'answers with what is no HTTP',
    must: '502',
    upstream: says('HTP/9 200 OK\r\nContent-Length: 2\r\n\r\nok', (connection) => connection.end()),
    play: (cell) => status(cell, get(), [502]),
  },
  {
    title: 'answers with 80 kB of headers',
    must: '502',
    upstream: says(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(80_000)}\r\nContent-Length: 2\r\n\r\nok`),
    play: (cell) => status(cell, get(), [502]),
  },
  {
    title: 'sends 103 before 200',
    must: 'both',
    upstream: says(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    ),
    async play(cell) {
      const reply = await cell.ask(get())
      return { isRight: statuses(reply) === '103 200', seen: statuses(reply) || 'no answer' }
    },
  },
  {
    title: 'answers 413 and closes while the client still uploads',
    must: '413',
    upstream: early,
    play: upload,
  },
  {
    title: 'client leaves in the middle of a download',
    must: 'upstream let go at once',
    upstream: endless,
    play: (cell) => leaves(cell, get(), (client) => client.read('\r\n\r\n')),
  },
  {
    title: 'client leaves in the middle of an upload',
    must: 'upstream let go at once',
    upstream: reads,
    // A while, and not until it has come to the server: nginx keeps it to itself.
    play: (cell) => leaves(cell, longUpload, () => delay(300)),
  },
  {
    title: 'closes each kept connection 3 ms after its reply; 400 requests',
    must: 'none lost',
    upstream: keepAliveRace,
    async play(cell) {
      let lost = 0
      for (let asked = 0; asked < 400; asked++) {
        const reply = await cell.ask(get()).catch(() => undefined)
        if (reply?.responses[0]?.status !== 200) lost++
      }
      return { isRight: lost === 0, seen: `${lost} lost, ${cell.upstream.connections.length} connections` }
    },
  },
  {
    title: 'ends before its Content-Length',
    must: 'the client is cut off at once',
    upstream: says('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', (connection) => connection.end()),
    play: (cell) => cut(cell, 1_500),
  },
  {
    title: '150 MB to a client that does not read',
    must: 'less than 20 MB more memory',
    upstream: large,
    play: slowReader,
  },
  {
    title: 'client sends Connection: x-tenant, Keep-Alive, TE, Proxy-Authorization',
    must: 'none of them forwarded',
    upstream: answers,
    async play(cell) {
      await cell.ask(
        get(['Connection: close, x-tenant', 'X-Tenant: a', 'TE: gzip', 'Keep-Alive: timeout=5', 'Proxy-Authorization: x']),
      )
      const head = cell.upstream.connections[0]?.received.toString('latin1') ?? ''
      if (head === '') return { isRight: false, seen: 'upstream not asked' }
      const passed = ['X-Tenant', 'TE', 'Keep-Alive', 'Proxy-Authorization'].filter((name) =>
        new RegExp(`^${name}:`, 'im').test(head),
      )
      return { isRight: passed.length === 0, seen: passed.length === 0 ? 'none' : `${passed.join(', ')} forwarded` }
    },
  },
  {
    title: 'client asks for //evil/..;/%2e%2e/x\\y',
    must: '400',
    upstream: answers,
    play: (cell) => refused(cell, get([], '//evil/..;/%2e%2e/x\\y')),
  },
  {
    title: 'client asks for http://other.test/x with another Host',
    must: '400',
    upstream: answers,
    play: (cell) => refused(cell, get([], 'http://other.test/x')),
  },
  {
    title: 'resets a WebSocket handshake',
    must: '502',
    upstream: resets,
    play: (cell) => status(cell, handshake, [502]),
  },
  {
    title: 'client resets during a WebSocket handshake',
    must: 'survived; upstream let go',
    upstream: reads,
    play: (cell) => leaves(cell, handshake, (client) => cell.wasAsked().then(() => client.reset())),
  },
]
