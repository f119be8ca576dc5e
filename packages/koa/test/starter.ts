import { createServer } from 'node:http'
import { toKoa } from '@gatelet/koa'
import { attach } from '@gatelet/node'
import { type AdapterScene, type Behind, type ParserKind, type StartAdapter, startedServer } from '@gatelet/testing'
import type { Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import type { KoaClass } from './koas.ts'

/** Plays scenes in Koa. */
export function starter(Koa: KoaClass): StartAdapter {
  return function start({ layer, behind, mount = '', parses, upgrades }: AdapterScene) {
    const app = new Koa()
    // Or the errors that cases throw are printed.
    app.silent = true
    if (parses) app.use(drained).use(parserOf(parses))
    const placed = toKoa(layer, { path: 'original' })
    app.use((ctx, next) => (isUnder(mount, ctx.path) ? placed(ctx, next) : next()))
    if (behind) app.use(middlewareFor(behind))
    const server = createServer(app.callback())
    if (upgrades) {
      attach(server, layer, { mount: mount || '/' })
      server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
    }
    return startedServer(server)
  }
}

const isUnder = (mount: string, path: string) => path === mount || path.startsWith(`${mount}/`)

const parserOf = (kind: ParserKind) => bodyParser({ enableTypes: [kind === 'urlencoded' ? 'form' : kind] })

/** Reads a body and keeps nothing of it, where the request says so. */
const drained: Middleware = async (ctx, next) => {
  if (ctx.get('x-drain')) await new Promise((resolve) => ctx.req.resume().on('end', resolve))
  await next()
}

function middlewareFor({ status, headers = [], body, throws, seen, when }: Behind): Middleware {
  return async (ctx) => {
    seen?.({ method: ctx.method, url: ctx.url, headers: ctx.headers })
    await when
    if (throws) throw throws
    if (status !== undefined) ctx.status = status
    if (body !== undefined) ctx.body = typeof body === 'function' ? body() : body
    // Koa derives a type and a length from the body, which `append` would add to.
    for (const [name, value] of headers) ctx[/^set-cookie$/i.test(name) ? 'append' : 'set'](name, value)
  }
}
