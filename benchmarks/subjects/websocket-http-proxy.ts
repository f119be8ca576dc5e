import { createServer } from 'node:http'
import httpProxy from 'http-proxy'
import { origins, port } from './start.ts'

const proxy = httpProxy.createProxyServer({ target: origins[0] ?? '', ws: true })
proxy.on('error', (_error, _req, res) => void res.destroy())
const server = createServer()
server.on('upgrade', (req, socket, head) => {
  socket.on('error', () => {})
  proxy.ws(req, socket, head)
})
server.listen(port, '127.0.0.1')
