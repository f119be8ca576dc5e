import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGunzip } from 'node:zlib'
import { type Handler, HeaderList, PushSource } from '@gatelet/core'
import { toKoa } from '@gatelet/koa'
import compress from 'koa-compress'
import { describe, expect, test } from 'vitest'
import { koas } from './koas.ts'

describe.each(koas)('in %s, behind koa-compress, events are at the client before the next is made', (_, KoaClass) => {
  test('where they are passed on', async () => {
    let source: PushSource | undefined
    const events: Handler = () => {
      source = new PushSource({ pause() {}, resume() {}, cancel() {} })
      return { status: 200, headers: new HeaderList({ 'content-type': 'text/event-stream' }), body: source }
    }
    const app = Object.assign(new KoaClass(), { silent: true })
    app.use(compress({ threshold: 0 }) as never)
    app.use(toKoa(events))
    const server = createServer(app.callback())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const asked = request({ port, host: '127.0.0.1', headers: { 'accept-encoding': 'gzip' }, agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const plain = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response
    plain.on('error', () => {})
    let text = ''
    for (let at = 0; at < 10; at++) {
      source?.push(Buffer.from(`data: ${at}\n\n`))
      while (!text.endsWith(`data: ${at}\n\n`)) text += (await once(plain, 'data', { signal: AbortSignal.timeout(3_000) }))[0]
    }
    expect(text.length).toBe(90)
    response.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
