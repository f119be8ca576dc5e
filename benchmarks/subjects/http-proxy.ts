import { Agent, createServer } from 'node:http'
import httpProxy from 'http-proxy'
import { origins, port } from './start.ts'

// Without an agent it opens a connection for each request, which nobody would do under load.
const agent = new Agent({ keepAlive: true })
const proxy = httpProxy.createProxyServer({ target: origins[0] ?? '', agent })
proxy.on('error', (_error, _req, res) => {
  if ('writeHead' in res && !res.headersSent) res.writeHead(502).end()
  else res.destroy()
})

createServer((req, res) => proxy.web(req, res)).listen(port, '127.0.0.1')
