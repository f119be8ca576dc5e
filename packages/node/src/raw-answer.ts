import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, canonicalAddress, type GatewayError, isHeard, problem, publish } from '@gatelet/core'
import { connectionOf } from './connection.ts'
import { lingeringClose } from './lingering-close.ts'

/** Answers where there is no request to answer: what came is no HTTP, or nothing that is served here. Closes the connection. */
export function answerRaw(socket: Socket, error: GatewayError, clock: Clock): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const { status, headers, body } = problem(error)
  const text = String(body)
  headers.set('date', new Date(clock.date()).toUTCString())
  headers.set('content-length', String(Buffer.byteLength(text)))
  headers.set('connection', 'close')
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`
  socket.write(`${head}\r\n${text}`)
  lingeringClose(socket, clock)
  if (isHeard('request:unreadable')) publish('request:unreadable', { client: clientOf(socket), error })
}

function clientOf(socket: Socket): { address: string; port: number } {
  const { address } = connectionOf(socket)
  return { address: canonicalAddress(address) ?? address, port: socket.remotePort ?? 0 }
}
