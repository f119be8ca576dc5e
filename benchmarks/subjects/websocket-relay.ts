import { createServer, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { origins, port } from './start.ts'

// The least that relays WebSockets: a handshake by `node:http`, then every 'data' is a write. No back-pressure, no limits.
const server = createServer()
server.on('upgrade', (req, client, head) => {
  const asked = request(`${origins[0]}${req.url}`, { headers: req.headers })
  asked.on('upgrade', (response, upstream, first) => {
    let text = 'HTTP/1.1 101 Switching Protocols\r\n'
    for (let i = 0; i < response.rawHeaders.length; i += 2) text += `${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}\r\n`
    client.write(`${text}\r\n`)
    client.write(first)
    upstream.write(head)
    join(client, upstream)
    join(upstream, client)
  })
  asked.end()
})
server.listen(port, '127.0.0.1')

function join(from: Duplex, to: Duplex): void {
  from.on('data', (chunk) => to.write(chunk))
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
}
