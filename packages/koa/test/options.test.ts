import type { ServerResponse } from 'node:http'
import mount from 'koa-mount'
import { describePlacing, type FrameworkApp, type Placed } from '../../node/test/framework/describe-placing.ts'
import { type KoaClass, koas } from './koas.ts'

interface KoaPlaced {
  state(ctx: { readonly res: ServerResponse }): object
}

async function start(Koa: KoaClass): Promise<FrameworkApp> {
  const { toKoa } = await import('@gatelet/koa')
  const app = Object.assign(new Koa({ proxy: true }), { silent: true })
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = 500
      ctx.body = `Sorry: ${(error as Error).message}`
    }
  })
  return {
    place(layer, options, path) {
      const placed = toKoa(layer, options)
      app.use(path === undefined ? placed : mount(path, placed))
      return placed
    },
    answer(tell) {
      app.use(async (ctx) => {
        ctx.body = JSON.stringify(await tell((placed: Placed) => (placed as KoaPlaced).state(ctx)))
      })
    },
    listener: () => app.callback(),
  }
}

for (const [name, Koa] of koas) describePlacing(name, () => start(Koa))
