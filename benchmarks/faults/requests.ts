/** A GET whose connection ends with it, unless the fields say otherwise. */
export const get = (fields: readonly string[] = [], target = '/x'): string =>
  `${[`GET ${target} HTTP/1.1`, 'Host: a.test', ...(fields.length > 0 ? fields : ['Connection: close'])].join('\r\n')}\r\n\r\n`

/** The beginning of an upload that does not come to its end. */
export const longUpload: string = `POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(200_000)}`

/** A handshake for a WebSocket. */
export const handshake: string = `${[
  'GET /ws HTTP/1.1',
  'Host: a.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')}\r\n\r\n`
