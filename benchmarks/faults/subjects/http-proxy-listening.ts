import { Agent } from 'node:http'
import httpProxy from 'http-proxy'

const [port, target = ''] = process.argv.slice(2)

// With what people add to it: kept connections, time limits, and a listener for errors.
const agent = new Agent({ keepAlive: true })
const proxy = httpProxy.createProxyServer({ target, ws: true, agent, timeout: 2_000, proxyTimeout: 2_000 })
proxy.on('error', (_error, _req, res) => {
  if ('writeHead' in res && !res.headersSent) res.writeHead(502)
  res.end()
})
proxy.listen(Number(port), '127.0.0.1')
