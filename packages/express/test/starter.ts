import { createServer } from 'node:http'
import { pipeline } from 'node:stream'
import { toExpress } from '@gatelet/express'
import { attach } from '@gatelet/node'
import { type AdapterScene, type Behind, type ParserKind, type StartAdapter, startedServer } from '@gatelet/testing'
import type { RequestHandler } from 'express'
import type { Express } from './expresses.ts'

/** Plays scenes in Express. */
export function starter(express: Express): StartAdapter {
  return function start({ layer, behind, mount = '/', parses, upgrades }: AdapterScene) {
    const app = express()
    // Or the errors that cases throw are printed.
    app.set('env', 'test')
    if (parses) app.use(drained, parserOf(express, parses))
    app.use(mount, toExpress(layer, { path: 'original' }))
    if (behind) app.use(mount, handlerFor(behind))
    const server = createServer(app)
    if (upgrades) {
      attach(server, layer, { mount })
      server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
    }
    return startedServer(server)
  }
}

function parserOf(express: Express, kind: ParserKind): RequestHandler {
  return kind === 'urlencoded' ? express.urlencoded({ extended: true }) : express[kind]()
}

/** Reads a body and keeps nothing of it, where the request says so. */
const drained: RequestHandler = (req, _, next) => {
  if (req.headers['x-drain']) req.resume().on('end', () => next())
  else next()
}

function handlerFor({ status = 200, headers = [], body, throws, seen, when }: Behind): RequestHandler {
  return async (req, res, next) => {
    seen?.({ method: req.method, url: req.baseUrl + req.url, headers: req.headers })
    await when
    // Express 4 does not see what a promise rejects with.
    if (throws) return next(throws)
    res.status(status)
    for (const [name, value] of headers) res.append(name, value)
    if (typeof body === 'function') pipeline(body(), res, () => {})
    else res.end(body)
  }
}
