import { createServer } from 'node:http'
import { attach } from '@gatelet/node'
import { type StartAdapter, startedServer } from '@gatelet/testing'

/** Takes every path that begins with the letters of its mount. */
export const matchesBeginnings: StartAdapter = ({ layer, mount = '' }) => {
  const ours = createServer()
  attach(ours, layer)
  const server = createServer((req, res) => {
    if (req.url?.startsWith(mount)) ours.emit('request', req, res)
    else res.writeHead(404).end('elsewhere')
  })
  return startedServer(server)
}
