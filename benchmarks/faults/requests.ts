/** A GET whose connection ends with it, unless the fields say otherwise. */
export const get = (fields: readonly string[] = [], target = '/x'): string =>
  `${[`GET ${target} HTTP/1.1`, 'Host: a.test', ...(fields.length > 0 ? fields : ['Connection: close'])].join('\r\n')}\r\n\r\n`

/** A handshake for a WebSocket. */
export const handshake: string = `${[
  'GET /ws HTTP/1.1',
  'Host: a.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')}\r\n\r\n`
