import type { RequestListener } from 'node:http'
import { chain, type Handler, HeaderList, type Layer, type Middleware, text, withStrictPaths } from '@gatelet/core'
import type { FrameworkOptions } from '@gatelet/node/toolkit'
import { rawClient } from '@gatelet/testing'
import { describe, expect, test, vi } from 'vitest'
import { deferred } from '../serving.ts'
import { serving, until } from './serving.ts'

/** A layer where a framework's application has it. */
export type Placed = object

/** An application of a framework that believes what this machine says about clients. */
export interface FrameworkApp {
  /** @param path what comes under it goes through the layer; default: all */
  place(layer: Layer, options?: FrameworkOptions, path?: string): Placed
  /** Answers the rest as JSON. @param tell is given what asks a placed layer for what it has learned about this request */
  answer(tell: (stateOf: (placed: Placed) => object) => unknown): void
  /** The whole; errors that come to the framework get 500 and `Sorry: ` with their message. */
  listener(): RequestListener
}

/**
 * What a layer can be told where it stands in a framework, and what becomes of its state: the same in each of them.
 * @param start loads the adapter anew, where a test has forgotten what was loaded before
 */
export function describePlacing(name: string, start: () => Promise<FrameworkApp>): void {
  describe(`a layer placed in ${name}`, () => {
    test('sees the rest of the path under a mount, or the whole one', async () => {
      const app = await start()
      app.place(tellsPath, {}, '/a')
      app.place(tellsPath, { path: 'original' }, '/b')
      await using server = await serving(app.listener())
      expect(await (await fetch(`${server.url}/a/7?x=1`)).text()).toBe('/7?x=1')
      expect(await (await fetch(`${server.url}/b/7?x=1`)).text()).toBe('/b/7?x=1')
    })

    test('has where its own replies send a client, and their cookies, moved under the mount', async () => {
      const headers = [
        ['location', '/home'],
        ['set-cookie', 'a=1; Path=/'],
      ] as const
      const moved: Handler = () => ({ status: 302, headers: new HeaderList(headers), body: null })
      const app = await start()
      app.place(moved, {}, '/users')
      app.place(moved, { path: 'original' }, '/whole')
      await using server = await serving(app.listener())
      const sent = async (path: string) => {
        const { headers } = await fetch(`${server.url}${path}`, { redirect: 'manual' })
        return [headers.get('location'), headers.get('set-cookie')]
      }
      expect(await sent('/users/7')).toEqual(['/users/home', 'a=1; Path=/users'])
      expect(await sent('/whole/7')).toEqual(['/home', 'a=1; Path=/'])
    })

    test('believes X-Forwarded-For as far as the framework does, or as it is told', async () => {
      const app = await start()
      app.place(tellsClient, { trustedProxies: 'framework' }, '/framework')
      app.place(tellsClient, { trustedProxies: ['127.0.0.0/8'] }, '/told')
      app.place(tellsClient, { trustedProxies: [] }, '/nobody')
      await using server = await serving(app.listener())
      const headers = { 'x-forwarded-for': '203.0.113.9' }
      expect(await (await fetch(`${server.url}/framework`, { headers })).text()).toBe('203.0.113.9')
      expect(await (await fetch(`${server.url}/told`, { headers })).text()).toBe('203.0.113.9')
      expect(await (await fetch(`${server.url}/nobody`, { headers })).text()).toBe('127.0.0.1')
    })

    test('warns once in a process when X-Forwarded-For comes and nobody was said to be trusted', async () => {
      vi.resetModules()
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const app = await start()
      app.place(tellsClient, { trustedProxies: [] }, '/nobody')
      app.place(tellsClient)
      await using server = await serving(app.listener())
      const told = () => warn.mock.calls.map(([message]) => String(message)).filter((each) => each.includes('trustedProxies'))
      const ask = (path: string) =>
        fetch(`${server.url}${path}`, { headers: { 'x-forwarded-for': '203.0.113.9', connection: 'close' } })
      await ask('/nobody')
      expect(told()).toEqual([])
      for (let asked = 0; asked < 3; asked++) await ask('/')
      const warnings = told()
      warn.mockRestore()
      expect(warnings).toEqual([expect.stringMatching(/X-Forwarded-For.*trustedProxies: 'framework'/s)])
    })

    test('answers its errors by itself, or hands them to the framework', async () => {
      const app = await start()
      app.place(throws, {}, '/own')
      app.place(throws, { passErrors: true }, '/passed')
      await using server = await serving(app.listener())
      const own = await fetch(`${server.url}/own`)
      expect([own.status, own.headers.get('content-type')]).toEqual([500, 'application/problem+json'])
      expect(await own.text()).not.toContain('a secret')
      expect(await (await fetch(`${server.url}/passed`)).text()).toBe('Sorry: a secret')
    })

    test('refuses what could be read in two ways where its paths are strict, and only there', async () => {
      const app = await start()
      app.place(tellsPath, { strictPaths: true }, '/strict')
      app.place(tellsPath, {}, '/lenient')
      await using server = await serving(app.listener())
      for (const rest of ['//x', '/a%2fb', '/a%5cb']) {
        expect((await fetch(`${server.url}/strict${rest}`)).status).toBe(400)
        expect((await fetch(`${server.url}/lenient${rest}`)).status).toBe(200)
      }
      expect((await fetch(`${server.url}/lenient/%zz`)).status).toBe(400)
    })

    test.each<[string, Layer]>([
      ['a layer', careful],
      ['a chain with a layer in it', chain().use(passes).use(careful)],
      ['a chain in a chain', chain().use(chain().use(careful).use(passes).layer())],
    ])('%s that depends on paths makes them strict, unless the placement says otherwise', async (_, layer) => {
      const app = await start()
      app.place(layer, {}, '/strict')
      app.place(layer, { strictPaths: false }, '/lenient')
      app.answer(() => 'let through')
      await using server = await serving(app.listener())
      expect((await fetch(`${server.url}/strict/a%2fb`)).status).toBe(400)
      expect((await fetch(`${server.url}/lenient/a%2fb`)).status).toBe(200)
    })

    test('knows what others on the same request have learned, and tells what stands behind', async () => {
      const first: Middleware<{}, { who: string }> = (ctx, next) => next(ctx.with({ who: 'ada' }))
      const second: Middleware<{}, { role: string }> = (ctx, next) => next(ctx.with({ role: 'admin' }))
      const app = await start()
      const [one, two] = [app.place(first as Layer), app.place(second as Layer)]
      app.answer((stateOf) => [stateOf(one), stateOf(two)])
      await using server = await serving(app.listener())
      expect(await (await fetch(server.url)).json()).toEqual([{ who: 'ada' }, { who: 'ada', role: 'admin' }])
    })

    test('that a request has not come through has nothing to tell about it', async () => {
      const app = await start()
      const placed = app.place(passes, {}, '/elsewhere')
      app.answer((stateOf) => {
        try {
          return stateOf(placed)
        } catch (error) {
          const { code, message } = error as { code: string; message: string }
          return [code, message]
        }
      })
      await using server = await serving(app.listener())
      expect(await (await fetch(server.url)).json()).toEqual([
        'BAD_OPTION',
        expect.stringContaining('place it before the handler'),
      ])
    })

    test('can ask what stands behind once; asking again is an error of its own', async () => {
      const errors: unknown[] = []
      const twice: Middleware = async (ctx, next) => {
        const reply = await next(ctx)
        await Promise.resolve(ctx)
          .then(next)
          .catch((error) => errors.push(error))
        return reply
      }
      const app = await start()
      app.place(twice)
      app.answer(() => 'once')
      await using server = await serving(app.listener())
      expect(await (await fetch(server.url)).json()).toBe('once')
      expect(errors).toEqual([expect.objectContaining({ code: 'NEXT_TWICE' })])
    })

    test('has no work in the background, since what follows cannot be asked again', async () => {
      const app = await start()
      app.place((ctx) => text(String(ctx.background(async () => {}))))
      await using server = await serving(app.listener())
      expect(await (await fetch(server.url)).text()).toBe('false')
    })

    describe('where a client pipelines hundreds of requests that are not answered', () => {
      const count = 300
      const who: Middleware<{}, { who: string }> = (ctx, next) =>
        next(ctx.with({ who: ctx.request.headers.get('x-who') as string }))
      const requests = Array.from({ length: count }, (_, at) => `GET / HTTP/1.1\r\nHost: a\r\nX-Who: ${at}\r\n\r\n`).join('')

      /** Three layers and one that waits, and what the process is warned of meanwhile. */
      async function pipelining() {
        const warnings: string[] = []
        const listener = (warning: Error) => warnings.push(warning.name)
        process.on('warning', listener)
        const go = deferred()
        let waiting = 0
        const app = await start()
        const placed = [passes, who as Layer, passes].map((layer) => app.place(layer))[1] as Placed
        app.answer(async (stateOf) => {
          waiting++
          await go.promise
          return stateOf(placed)
        })
        const server = await serving(app.listener())
        const client = await rawClient(server.port)
        client.write(requests)
        await until(() => waiting === count)
        return {
          server,
          client,
          go,
          warnings,
          async [Symbol.asyncDispose]() {
            process.off('warning', listener)
            await client[Symbol.asyncDispose]()
            await server[Symbol.asyncDispose]()
          },
        }
      }

      test('keeps the state of each to it', async () => {
        await using it = await pipelining()
        it.go.resolve()
        for (let at = 0; at < count; at++) expect(JSON.parse((await it.client.response()).text)).toEqual({ who: String(at) })
        await until(() => it.server.finished.length === count)
        expect(it.warnings).toEqual([])
      })

      test('hears of each that it is over when the client leaves', async () => {
        await using it = await pipelining()
        await it.client.reset()
        await until(() => it.server.finished.length === count)
        expect(new Set(it.server.finished.map(({ summary }) => `${summary.outcome} ${summary.status}`))).toEqual(
          new Set(['aborted 499']),
        )
        expect(new Set(it.server.finished.map(({ context }) => context.request.headers.get('x-who'))).size).toBe(count)
        it.go.resolve()
        await new Promise(setImmediate)
        expect([it.server.finished.length, it.warnings]).toEqual([count, []])
      })
    })
  })
}

const tellsPath: Handler = (ctx) => text(`${ctx.request.url.path}${ctx.request.url.search}`)
const tellsClient: Handler = (ctx) => text(ctx.request.client.address)
const passes: Middleware = (ctx, next) => next(ctx)
const careful = withStrictPaths<Middleware>((ctx, next) => next(ctx))
const throws: Handler = () => {
  throw new Error('a secret')
}
