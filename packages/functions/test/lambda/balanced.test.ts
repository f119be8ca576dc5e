import { type BalancerOptions, createBalancer } from '@gatelet/balancer'
import { type Handler, text } from '@gatelet/core'
import { lambda, lambdaHttp, lambdaLocal } from '@gatelet/functions'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { call, exchange, lambdaEmulator, virtualClock } from '@gatelet/testing'
import { expect, onTestFinished, test, vi } from 'vitest'

type Endpoints = NonNullable<BalancerOptions['endpoints']>

function forwarding(endpoints: Endpoints, options: Partial<BalancerOptions> = {}, asking: ProxyOptions = {}): Handler {
  const balancer = createBalancer({ endpoints, strategy: 'round-robin', ...options } as BalancerOptions)
  const forward = proxy(balancer, { retries: { max: 1, budget: false }, ...asking })
  onTestFinished(async () => {
    await forward.close()
    await balancer.close()
  })
  return forward
}

const saying = (word: string): Handler => lambda(lambdaLocal(async () => ({ statusCode: 200, body: word })))

/** A function that fails while `isBroken`, and how often it was asked. */
function fragile(clock = virtualClock()) {
  const state = { isBroken: true, calls: 0 }
  const handler = lambda(
    lambdaLocal(async () => {
      state.calls++
      if (state.isBroken) throw new Error('secret')
      return { statusCode: 200, body: 'well' }
    }),
    { clock },
  )
  return { state, handler }
}

/** What several requests were answered, one after the other. */
async function words(handler: Handler, count: number): Promise<string[]> {
  const found: string[] = []
  for (let asked = 0; asked < count; asked++) {
    const answer = await call(handler)
    found.push(answer.status === 200 ? await answer.text() : String(answer.status))
  }
  return found
}

test('one that cannot be reached costs nobody an answer', async () => {
  await using aws = await lambdaEmulator({ hello: () => ({ statusCode: 200, body: 'hello' }) })
  const gone = await lambdaEmulator({})
  await gone.close()
  const forward = forwarding([
    { id: 'gone', handler: lambda(lambdaHttp({ url: gone.url, name: 'hello' })) },
    { id: 'here', handler: lambda(lambdaHttp({ url: aws.url, name: 'hello' })) },
  ])
  expect(new Set(await words(forward, 20))).toEqual(new Set(['hello']))
})

test('one that is busy sends a request elsewhere, and what may not be repeated nowhere after it has run', async () => {
  const fetch = async () => new Response('{}', { status: 429 })
  const busy = lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch }))
  const forward = forwarding([
    { id: 'busy', handler: busy },
    { id: 'free', handler: saying('free') },
  ])
  expect(new Set(await words(forward, 6))).toEqual(new Set(['free']))
  const { state, handler } = fragile()
  const posts = forwarding([{ id: 'a', handler }])
  const answer = await call(posts, { method: 'POST', url: '/', body: 'pay' })
  expect([answer.status, state.calls]).toEqual([502, 1])
})

test('those of a later priority are asked while no earlier one is well', async () => {
  const clock = virtualClock()
  const { state, handler } = fragile(clock)
  const forward = forwarding(
    [
      { id: 'near', handler },
      { id: 'far', handler: saying('far'), priority: 1 },
    ],
    { clock, panicThreshold: 0, ejection: { consecutiveFailures: 3, baseMs: 1_000, maxShare: 1 } },
    { retries: 0, clock },
  )
  expect(await words(forward, 5)).toEqual(['502', '502', '502', 'far', 'far'])
  expect(state.calls).toBe(3)
  state.isBroken = false
  await clock.advance(60_000)
  expect(new Set((await words(forward, 20)).slice(-5))).toEqual(new Set(['well']))
})

test('one that goes on failing is not asked for a while: a breaker', async () => {
  const clock = virtualClock()
  const { state, handler } = fragile(clock)
  const forward = forwarding(
    [{ id: 'only', handler }],
    { clock, ejection: { consecutiveFailures: 3, baseMs: 1_000, failFast: true } },
    { retries: 0, clock },
  )
  expect(await words(forward, 6)).toEqual(['502', '502', '502', '503', '503', '503'])
  expect(state.calls).toBe(3)
  const refused = await call(forward)
  expect(refused.headers.get('retry-after')).toBeDefined()
  state.isBroken = false
  await clock.advance(60_000)
  expect((await words(forward, 20)).at(-1)).toBe('well')
})

test('no more calls run at once than the limit says, and the place of one whose client leaves is free', async () => {
  let running = 0
  let most = 0
  const gates: (() => void)[] = []
  const handler = lambda(
    lambdaLocal(async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => gates.push(resolve))
      running--
      return { statusCode: 200, body: 'done' }
    }),
  )
  const forward = forwarding([{ id: 'small', handler }], { limits: { perEndpoint: 2 } }, { retries: 0 })
  const two = [call(forward), call(forward)]
  await vi.waitUntil(() => running === 2)
  expect((await call(forward)).status).toBe(503)
  for (const open of gates.splice(0)) open()
  expect((await Promise.all(two)).map(({ status }) => status)).toEqual([200, 200])
  await Promise.all((await Promise.all(two)).map((answer) => answer.text()))
  const side = exchange('/')
  const left = Promise.resolve(forward(side.ctx)).catch(() => undefined)
  await vi.waitUntil(() => gates.length === 1)
  side.abort()
  await left
  const next = [call(forward), call(forward)]
  await vi.waitUntil(() => gates.length === 3)
  for (const open of gates.splice(0)) open()
  expect((await Promise.all(next)).map(({ status }) => status)).toEqual([200, 200])
  expect(most).toBeLessThanOrEqual(3)
})

test('functions and servers of one set answer in turn', async () => {
  const forward = forwarding([
    { id: 'lambda', handler: saying('lambda') },
    { id: 'own', handler: () => text('own') },
  ])
  expect((await words(forward, 4)).sort()).toEqual(['lambda', 'lambda', 'own', 'own'])
})
