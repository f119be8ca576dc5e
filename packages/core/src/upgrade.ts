import type { Duplex } from 'node:stream'
import type { HeaderList } from './headers.ts'

/**
 * Writes the `101 Switching Protocols` that ends a handshake, with these headers and no others. For `Reply.upgrade`
 * functions that do not bring a library which writes its own.
 */
export function switchProtocols(socket: Duplex, headers: HeaderList): void {
  let head = 'HTTP/1.1 101 Switching Protocols\r\n'
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`
  socket.write(`${head}\r\n`, 'latin1')
}
