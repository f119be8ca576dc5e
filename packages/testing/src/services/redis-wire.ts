import { once } from 'node:events'
import { connect } from 'node:net'

/** What Redis answers, in RESP 2. An error is thrown. */
export type RedisReply = string | number | null | readonly RedisReply[]

/**
 * Sends one command on a connection of its own, so that a test can look at a server without the client that it tests.
 * @throws Error with what Redis says, for an error
 */
export async function redisCommand(port: number, args: readonly string[]): Promise<RedisReply> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write(encoded(args))
    let received = Buffer.alloc(0)
    while (true) {
      const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean]
      if (!Buffer.isBuffer(chunk)) throw new Error('Redis closed the connection before it had answered')
      received = Buffer.concat([received, chunk])
      const reply = replyIn(received, 0)
      if (reply) return reply.value
    }
  } finally {
    socket.destroy()
  }
}

const encoded = (args: readonly string[]) =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`

/** The reply that starts at `from`, and where it ends; undefined while a part of it is missing. */
function replyIn(bytes: Buffer, from: number): { value: RedisReply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', from)
  if (lineEnd < 0) return undefined
  const kind = String.fromCharCode(bytes[from] ?? 0)
  const line = bytes.toString('utf8', from + 1, lineEnd)
  const next = lineEnd + 2
  if (kind === '-') throw new Error(line)
  if (kind === '+') return { value: line, end: next }
  if (kind === ':') return { value: Number(line), end: next }
  if (line === '-1') return { value: null, end: next }
  return kind === '$' ? bulkIn(bytes, next, Number(line)) : listIn(bytes, next, Number(line))
}

function bulkIn(bytes: Buffer, from: number, length: number): { value: RedisReply; end: number } | undefined {
  const end = from + length
  return bytes.length < end + 2 ? undefined : { value: bytes.toString('utf8', from, end), end: end + 2 }
}

function listIn(bytes: Buffer, from: number, length: number): { value: RedisReply; end: number } | undefined {
  const items: RedisReply[] = []
  let end = from
  while (items.length < length) {
    const item = replyIn(bytes, end)
    if (!item) return undefined
    items.push(item.value)
    end = item.end
  }
  return { value: items, end }
}
