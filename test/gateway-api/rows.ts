import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpRoute } from './http-route.ts'
import { type Scene, type SceneOptions, scene } from './scene.ts'

/** Routes, and what they make of requests. Each ask is a test. */
export interface Group extends SceneOptions {
  /** The field of the specification that says so. */
  readonly spec: string
  /** The rule, in our words. */
  readonly rule: string
  readonly routes: readonly HttpRoute[]
  /** By request, as `Scene.ask` takes it: the backend that answers, the status of the gateway's own answer, or more. */
  readonly asks: Readonly<Record<string, string | number | Expected>>
}

/** What must come of a request. */
interface Expected {
  readonly status?: number
  readonly backend?: string
  /** Of what the backend was asked. */
  readonly path?: string
  readonly host?: string
  readonly version?: string
  readonly attempt?: number
  /** Fields that the backend saw, in lower case, several values joined by `, `; undefined: not there. */
  readonly sees?: Readonly<Record<string, string | undefined>>
  /** Fields of the reply, likewise. */
  readonly gets?: Readonly<Record<string, string | undefined>>
}

/** Plays each group at a gateway of its own, over real sockets. */
export function play(groups: readonly Group[]): void {
  describe.each(groups)('$spec: $rule', ({ routes, asks, ...options }) => {
    let gateway: Scene
    beforeAll(async () => {
      gateway = await scene(routes, options)
    })
    afterAll(() => gateway[Symbol.asyncDispose]())

    test.each(Object.entries(asks))('%s', async (what, wanted) => {
      const expected: Expected =
        typeof wanted === 'object' ? wanted : typeof wanted === 'string' ? { backend: wanted } : { status: wanted }
      const seen = await gateway.ask(what)
      const fields = (of: Readonly<Record<string, string | undefined>> = {}, find: (name: string) => string | undefined) =>
        Object.fromEntries(Object.keys(of).map((name) => [name, find(name)]))
      expect({
        status: seen.reply.status,
        backend: seen.backend,
        path: expected.path === undefined ? undefined : seen.path,
        host: expected.host === undefined ? undefined : seen.host,
        version: expected.version === undefined ? undefined : seen.version,
        attempt: expected.attempt === undefined ? undefined : seen.attempt,
        sees: fields(expected.sees, (name) => [seen.headers[name] ?? []].flat().join(', ') || undefined),
        gets: fields(expected.gets, (name) => seen.reply.headers.get(name) ?? undefined),
      }).toEqual({
        status: expected.status ?? 200,
        backend: expected.backend,
        path: expected.path,
        host: expected.host,
        version: expected.version,
        attempt: expected.attempt,
        sees: expected.sees ?? {},
        gets: expected.gets ?? {},
      })
    })
  })
}
