import { createBalancer, type LoadShedderOptions, loadShedder } from '@gatelet/balancer'
import { chain, isLease, subscribe, text } from '@gatelet/core'
import { call, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'

/** A shedder whose delay a test sets. */
function scene(options: LoadShedderOptions = {}) {
  const clock = virtualClock({ seed: 3 })
  const load = { delayMs: 0 }
  const shedder = loadShedder({ clock, delay: () => load.delayMs, ...options })
  onTestFinished(() => shedder.close())
  return {
    clock,
    shedder,
    /** Some intervals with this delay, with requests of these priorities. */
    async pass(intervals: number, delayMs: number, priorities: readonly number[] = [0]) {
      load.delayMs = delayMs
      for (let n = 0; n < intervals; n++) {
        for (const priority of priorities) shedder.admits(priority)
        await clock.advance(100)
      }
    },
    /** The share of 1,000 requests that is let in. */
    share: (priority: number) => Array.from({ length: 1_000 }, () => shedder.admits(priority)).filter(Boolean).length / 1_000,
  }
}

describe('a load shedder', () => {
  test('lets everybody in while the event loop is in time', async () => {
    const { shedder, pass, share } = scene()
    await pass(100, 99)
    expect([shedder.pressure, share(0)]).toEqual([0, 1])
  })

  test('sheds the lowest priority first, then the next', async () => {
    const { pass, share } = scene()
    const all = [-1, 0, 5]
    await pass(5, 101, all)
    expect([share(0), share(5)]).toEqual([1, 1])
    expect(share(-1)).toBeCloseTo(0.5, 1)
    await pass(10, 101, all)
    expect([share(-1), share(5)]).toEqual([0, 1])
    expect(share(0)).toBeCloseTo(0.5, 1)
  })

  test('lets some of the highest in whatever happens, so that the end of the load is seen', async () => {
    const { pass, share } = scene()
    await pass(200, 5_000, [0, 1])
    expect(share(0)).toBe(0)
    expect(share(1)).toBeCloseTo(0.1, 1)
  })

  test('rises faster the later the loop is, and takes twice as long to fall', async () => {
    const { shedder, pass } = scene()
    await pass(1, 300)
    expect(shedder.pressure).toBe(0.3)
    await pass(3, 40)
    expect(shedder.pressure).toBe(0.15)
    await pass(3, 40)
    expect(shedder.pressure).toBe(0)
  })

  test('stays as it is between half the target and the target', async () => {
    const { shedder, pass } = scene()
    await pass(2, 200)
    const before = shedder.pressure
    await pass(50, 75)
    expect(shedder.pressure).toBe(before)
  })

  test('tells of each change', async () => {
    const seen: number[] = []
    onTestFinished(subscribe('load:changed', ({ pressure }) => void seen.push(pressure)))
    const { pass } = scene()
    await pass(2, 150)
    await pass(1, 0)
    expect(seen).toEqual([0.15, 0.3, 0.25])
  })

  test('stays within its bounds, whatever comes', async () => {
    const step = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double())
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { shedder, pass } = scene()
        for (const [delayMs, priority] of steps) {
          await pass(1, delayMs, [priority])
          expect(shedder.pressure).toBeGreaterThanOrEqual(0)
          expect(shedder.pressure).toBeLessThanOrEqual(20.9)
        }
      }),
      { seed: 7, numRuns: 100 },
    )
  })

  test('ends its timer when it is closed', async () => {
    const { shedder, pass, clock, share } = scene()
    await pass(10, 1_000)
    shedder.close()
    expect([clock.pending, share(0)]).toEqual([0, 1])
  })
})

test('as a layer it answers 503, and says when to come back', async () => {
  const { shedder, pass } = scene({ priority: (ctx) => (ctx.request.url.path === '/pay' ? 1 : 0) })
  const handler = chain()
    .use(shedder)
    .to(() => text('done'))
  await pass(50, 1_000, [0, 1])
  const reply = await call(handler, '/browse')
  expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([503, 'OVERLOADED'])
  expect(['1', '2', '3']).toContain(reply.headers.get('retry-after'))
  await pass(18, 0, [0, 1])
  expect((await call(handler, '/pay')).status).toBe(200)
})

test('in a balancer it refuses first attempts, and no later ones', async () => {
  const { shedder, pass, clock } = scene()
  const balancer = createBalancer({ endpoints: ['http://a.test', 'http://b.test'], shed: shedder, clock })
  await pass(50, 1_000, [0, 1])
  expect(balancer.acquire({ tried: [], priority: 0 })).toMatchObject({ reason: 'overloaded' })
  expect(isLease(balancer.tryAcquire({ tried: balancer.endpoints.slice(0, 1), priority: 0 }))).toBe(true)
  await expect(balancer.run(() => 1)).rejects.toMatchObject({ code: 'OVERLOADED' })
})

test('the event loop that it measures by default is the real one', async () => {
  const shedder = loadShedder({ eventLoopDelayMs: 20, intervalMs: 50 })
  onTestFinished(() => shedder.close())
  const deadline = performance.now() + 5_000
  // Each turn is a busy one.
  while (shedder.pressure === 0 && performance.now() < deadline) {
    const until = performance.now() + 60
    while (performance.now() < until) {}
    await new Promise((resolve) => setTimeout(resolve))
  }
  expect(shedder.pressure).toBeGreaterThan(0)
})
