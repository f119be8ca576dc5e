import { createServer } from 'node:http'
import { payloads, replyHeaders } from '../payloads.ts'

// The origin where nginx is not installed: `node origin.js <port of the count> <port>…`.
const [countPort, ...ports] = process.argv.slice(2).map(Number)
const bodies = new Map<string, Buffer>(payloads.map(({ path, received }) => [path, Buffer.alloc(received, 'x')]))
let answered = 0

for (const port of ports) {
  const server = createServer((req, res) => {
    req.resume().once('end', () => {
      const body = bodies.get(req.url ?? '')
      answered++
      res.writeHead(body ? 200 : 404, { ...replyHeaders, 'content-length': body?.length ?? 0 }).end(body)
    })
  })
  server.keepAliveTimeout = 300_000
  server.listen(port, '127.0.0.1')
}
createServer((_req, res) => res.end(String(answered))).listen(countPort, '127.0.0.1')
