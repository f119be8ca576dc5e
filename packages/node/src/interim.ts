import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { HeaderList } from '@gatelet/core'

/** Writes an interim answer, if the response has its turn. Node's own methods for these take no header fields of ours. */
export function writeInterim({ socket }: ServerResponse, status: 102 | 103, headers: HeaderList): void {
  // No socket: the reply to an earlier request has not left yet.
  if (!socket?.writable) return
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`
  socket.write(`${head}\r\n`, 'latin1')
}
