import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGunzip } from 'node:zlib'
import { type Handler, HeaderList, type Middleware, PushSource } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import compression from 'compression'
import type { Application } from 'express'
import { describe, expect, test } from 'vitest'
import { expresses } from './expresses.ts'

/** Asks, and takes one event after the other: each is to be here before the next is made. */
async function oneByOne(app: Application, say: (event: string) => void): Promise<string | undefined> {
  const server = createServer(app)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const asked = request({ port, host: '127.0.0.1', headers: { 'accept-encoding': 'gzip' }, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const coding = response.headers['content-encoding']
  const plain = coding === 'gzip' ? response.pipe(createGunzip()) : response
  plain.on('error', () => {})
  let text = ''
  for (let at = 0; at < 10; at++) {
    say(`data: ${at}\n\n`)
    while (!text.endsWith(`data: ${at}\n\n`)) text += (await once(plain, 'data', { signal: AbortSignal.timeout(3_000) }))[0]
  }
  response.destroy()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return coding
}

describe.each(expresses)('in %s, behind compression, events are at the client before the next is made', (_, express) => {
  test('where they are passed on', async () => {
    let source: PushSource | undefined
    const events: Handler = () => {
      source = new PushSource({ pause() {}, resume() {}, cancel() {} })
      return { status: 200, headers: new HeaderList({ 'content-type': 'text/event-stream' }), body: source }
    }
    const app = express()
      .use(compression({ threshold: 0 }))
      .use(toExpress(events))
    expect(await oneByOne(app as Application, (event) => source?.push(Buffer.from(event)))).toBe('gzip')
  })

  test('where a layer stands in front of a handler that flushes', async () => {
    let say = (_: string) => {}
    const passing: Middleware = async (ctx, next) => next(ctx)
    const app = express()
      .use(compression({ threshold: 0 }))
      .use(toExpress(passing))
    app.get('/', (_: unknown, res: import('express').Response) => {
      res.type('text/event-stream').flushHeaders()
      say = (event) => {
        res.write(event)
        ;(res as unknown as { flush(): void }).flush()
      }
    })
    expect(await oneByOne(app as Application, (event) => say(event))).toBe('gzip')
  })
})
