import { constants, createGzip } from 'node:zlib'
import {
  bytesOf,
  type Context,
  chain,
  GatewayError,
  type Middleware,
  options,
  problem,
  type Reply,
  transformed,
} from '@gatelet/core'
import { describeMiddleware, type RunnerOptions } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { brokenMiddleware } from '../broken/middleware/index.ts'
import { casesOf, failingCases } from './failing-cases.ts'

const caught = new Set<string>()

describe('a layer with one mistake', () => {
  test.each(Object.entries(brokenMiddleware))(
    '%s fails by the right case',
    async (name, { make, options, failsBy, saying }) => {
      const failed = await failingCases((runner) => describeMiddleware(name, make, { ...options, ...runner }))
      expect([...failed.keys()]).toContain(failsBy)
      expect(String(failed.get(failsBy))).toMatch(saying)
      for (const name of failed.keys()) caught.add(name)
    },
    60_000,
  )

  test('is caught by every case there is', () => {
    const whole = { refuses: '/', adds: ['caller'], mistakes: { 'a header that is none': () => {} } }
    const all = casesOf((runner) => describeMiddleware('x', () => passes, { ...whole, ...runner }))
    expect([...all.keys()].filter((name) => !caught.has(name))).toEqual([])
  })
})

const runner: Required<RunnerOptions> = { describe, test }

const passes: Middleware = (ctx, next) => next(ctx)

const marks: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  reply.headers.set('x-seen', '1')
  return reply
}

interface Caller {
  readonly caller: string
}

/** Knows members by a key, and refuses others. */
function membersOnly({ header }: { header: string }): Middleware<{}, Caller> {
  const name = options.string(header, 'header')
  return (ctx, next) => {
    const caller = ctx.request.headers.get(name)
    return caller === undefined ? problem({ status: 401, title: 'Who are you?' }) : next(ctx.with({ caller }))
  }
}

const greets: Middleware<Caller> = async (ctx, next) => {
  const reply = await next(ctx)
  reply.headers.set('x-hello', ctx.state.caller)
  return reply
}

const zips: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  if (reply.body !== null) reply.body = transformed(reply.body, () => createGzip({ flush: constants.Z_SYNC_FLUSH }))
  return reply
}

const holds: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  if (!reply.upgrade) reply.body = await bytesOf(reply.body, 1_000_000)
  return reply
}

const excuses: Middleware = async (ctx, next) => {
  try {
    return await next(ctx)
  } catch (error) {
    return problem(error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error }))
  }
}

const asksAgain: Middleware = async (ctx, next) => {
  const ask = async (): Promise<Reply> => next(ctx as Context as typeof ctx)
  return ask().catch(ask)
}

describeMiddleware('a layer that does nothing', () => passes, runner)
describeMiddleware('a layer that adds a header', () => marks, runner)
describeMiddleware('a chain', () => chain().use(marks).use(passes), runner)
describeMiddleware('a layer that refuses and adds state', () => membersOnly({ header: 'x-key' }), {
  ...runner,
  adds: ['caller'],
  passes: { headers: { 'x-key': 'ada' } },
  refuses: 'GET /private',
  mistakes: { 'a header without a name': () => membersOnly({ header: '' }) },
})
describeMiddleware('a layer that reads state', () => greets, { ...runner, state: { caller: 'ada' } })
describeMiddleware('a layer that changes bodies', () => zips, { ...runner, changesBody: true })
describeMiddleware('a layer that reads whole replies', () => holds, { ...runner, buffers: true })
describeMiddleware('a layer that answers errors', () => excuses, { ...runner, catches: true })
describeMiddleware('a layer that asks again', () => asksAgain, { ...runner, asksAgain: true })

describe('options', () => {
  test.each<[string, unknown, RegExp]>([
    ['state', 'ada', /state must be an object/],
    ['adds', 'caller', /adds must be a list/],
    ['passes', 7, /passes must be a path, a method and a path, or an object/],
    ['refuses', [], /refuses must be a path/],
    ['asksAgain', 1, /asksAgain must be true or false/],
    ['catches', 1, /catches must be true or false/],
    ['changesBody', 1, /changesBody must be true or false/],
    ['buffers', 1, /buffers must be true or false/],
    ['readsBody', 1, /readsBody must be true or false/],
    ['mistakes', { none: 1 }, /mistakes\.none must be a function/],
    ['test', 1, /test must be a function/],
    ['buffer', true, /buffer is not an option; did you mean buffers/],
  ])('%s that is not right stops the start', (option, value, message) => {
    expect(() => describeMiddleware('x', () => passes, { ...runner, [option]: value })).toThrow(message)
  })

  test('a name and a function that makes a layer must be there', () => {
    expect(() => describeMiddleware('', () => passes, runner)).toThrow(/name must be a string/)
    expect(() => describeMiddleware('x', {} as never, runner)).toThrow(/make must be a function that makes a layer/)
  })
})
