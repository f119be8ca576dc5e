import { setTimeout as delay } from 'node:timers/promises'
import type { RawScript } from '@gatelet/testing'

const word = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Reads, and says nothing. */
export const reads: RawScript = () => {}

/** Answers one request with these bytes, and then does something to the connection. */
export function says(bytes: string, then?: (connection: Parameters<RawScript>[0]) => unknown): RawScript {
  return async (connection) => {
    await connection.read('\r\n\r\n', 60_000)
    connection.write(bytes)
    await then?.(connection)
  }
}

/** Answers one request with a word. */
export const answers: RawScript = says(word)

/** Reads one request, and resets. */
export const resets: RawScript = says('', (connection) => connection.reset())

/** Answers an upload before it is here, and closes. */
export const early: RawScript = async (connection) => {
  await connection.read('\r\n\r\n', 60_000)
  connection.write('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig')
  connection.end()
}

/** Closes each connection 3 ms after its first reply, as `close(2)` does: what still comes is answered with a reset. */
export const keepAliveRace: RawScript = async (connection) => {
  let isClosed = false
  const close = () => {
    isClosed = true
    connection.end()
  }
  for (let replies = 0; ; replies++) {
    await connection.read('\r\n\r\n', 60_000)
    if (isClosed) return connection.reset()
    connection.write(word)
    if (replies === 0) setTimeout(close, 3)
  }
}

/** Sends 150 MB, but to `/small` a word. */
export const large: RawScript = async (connection) => {
  while ((await connection.read('\r\n\r\n', 60_000)).startsWith('GET /small ')) connection.write(word)
  connection.write('HTTP/1.1 200 OK\r\nContent-Length: 150000000\r\n\r\n')
  connection.write(Buffer.alloc(150_000_000, 'x'))
}

/** Sends a body that has no end, 16 kB every 20 ms. */
export const endless: RawScript = async (connection) => {
  await connection.read('\r\n\r\n', 60_000)
  connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
  while (connection.closed === 'open') {
    connection.write(Buffer.alloc(16_384, 'x'))
    await delay(20)
  }
}
