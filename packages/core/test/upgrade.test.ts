import { PassThrough } from 'node:stream'
import { HeaderList, switchProtocols } from '@gatelet/core'
import { expect, test } from 'vitest'
import { thrown } from './thrown.ts'

function written(headers: HeaderList): Buffer {
  const socket = new PassThrough()
  switchProtocols(socket, headers)
  return socket.read()
}

test('writes the 101 with the headers given, and no others', () => {
  const headers = new HeaderList([
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ])
  expect(written(headers).toString()).toBe(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
  )
})

test('writes bytes beyond ASCII as they are', () => {
  expect(written(new HeaderList({ a: '\xe9' })).includes(Buffer.from([0x3a, 0x20, 0xe9, 0x0d]))).toBe(true)
})

test('cannot be made to write more than the head', () => {
  expect(thrown(() => switchProtocols(new PassThrough(), new HeaderList({ a: 'b\r\n\r\nevil' }))).code).toBe('BAD_HEADER')
})
