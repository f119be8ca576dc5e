import { createServer } from 'node:http'
import { attach } from '@gatelet/node'
import { type StartAdapter, startedServer } from '@gatelet/testing'

/** Hands on a stream that a parser has read before: nothing is left in it. */
export const losesParsedBodies: StartAdapter = ({ layer, parses }) => {
  const ours = createServer()
  attach(ours, layer)
  const server = createServer((req, res) => {
    if (parses) req.resume().on('end', () => ours.emit('request', req, res))
    else ours.emit('request', req, res)
  })
  return startedServer(server)
}
