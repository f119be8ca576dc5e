import assert from 'node:assert/strict'
import { type Context, HeaderList, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { message, played, type StartAdapter } from './scene.ts'

/** Interim answers. */
export function interimCases(start: StartAdapter): Case[] {
  const hinting = (ctx: Context) => {
    ctx.inform(103, new HeaderList({ link: '</a.css>; rel=preload' }))
    return new Promise<ReturnType<typeof text>>((resolve) => setImmediate(() => resolve(text('page'))))
  }
  return [
    {
      name: 'sends early hints before the reply',
      run: () =>
        played(start, { layer: hinting }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /'))
          assert.match(await client.read('\r\n\r\n'), /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\n\r\n$/)
          assert.equal((await client.response()).text, 'page')
        }),
    },
    {
      name: 'sends early hints of a layer in front of what stands behind it',
      run: () =>
        played(
          start,
          {
            layer: (ctx: Context, next: (ctx: Context) => ReturnType<typeof hinting> | ReturnType<typeof text>) => {
              ctx.inform(103, new HeaderList({ link: '</a.css>' }))
              return next(ctx)
            },
            behind: { body: 'page' },
          },
          async (stage) => {
            await using client = await stage.connect()
            client.write(message('GET /'))
            assert.match(await client.read('\r\n\r\n'), /^HTTP\/1.1 103 /)
            assert.equal((await client.response()).text, 'page')
          },
        ),
    },
    {
      name: 'sends none to a client that does not know them',
      run: () =>
        played(start, { layer: hinting }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET / HTTP/1.0'))
          const { status, text } = await client.response()
          assert.deepEqual([status, text], [200, 'page'])
          assert.ok(!client.received.includes('103 '), 'a 103 was sent to an HTTP/1.0 client')
        }),
    },
  ]
}
