import { subscribe } from '@gatelet/core'
import { type PlanOptions, type RatePolicyOptions, rateLimit } from '@gatelet/rate-limiter'
import { virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { asker, statuses } from './fakes.ts'

const gold: RatePolicyOptions = { name: 'plan', limit: 3, per: '1h' }
const broken = new Error('the database is away')

function scene(find: PlanOptions['find'], more: Partial<PlanOptions> = {}) {
  const clock = virtualClock()
  const failures: unknown[] = []
  const undo = subscribe('rate:plan-failed', ({ key, error }) => failures.push([key, (error as Error).message]))
  const key = ({ request }: { request: { headers: { get(name: string): string | undefined } } }) => request.headers.get('x-key')
  const layer = rateLimit({ name: 'own', limit: 1, per: '1h', key, plan: { find, ...more }, clock })
  const ask = asker(layer, clock)
  return { clock, failures, undo, of: (key: string) => () => ask({ headers: { 'x-key': key } }), ask }
}

test('limits each key by its plan, and by the policies of the limiter where it has none', async () => {
  const { of, ask } = scene((key) => (key === 'ada' ? gold : key === 'bob' ? [gold, { limit: 2, per: '1m' }] : undefined))
  expect(await statuses(of('ada'), 4)).toEqual([200, 200, 200, 429])
  expect((await of('bob')()).headers.get('ratelimit-policy')).toBe('"plan";q=3;w=3600, "2-per-1m";q=2;w=60')
  expect(await statuses(of('eve'), 2)).toEqual([200, 429])
  // Without a key there is nothing to look up.
  expect(await statuses(ask, 2)).toEqual([200, 429])
})

test('looks a plan up once for all who ask, and again when it is old', async () => {
  let asked = 0
  const find = async () => {
    asked++
    await Promise.resolve()
    return gold
  }
  const { of, clock } = scene(find, { ttl: '10s' })
  await Promise.all(Array.from({ length: 20 }, of('ada')))
  expect(asked).toBe(1)
  await clock.advance(9_999)
  await of('ada')()
  expect(asked).toBe(1)
  await clock.advance(2)
  await of('ada')()
  expect(asked).toBe(2)
})

test('keeps the plan that was known when a look-up fails, and asks again after a while', async () => {
  let asked = 0
  let failing = false
  const find = () => {
    asked++
    if (failing) throw broken
    return { ...gold, limit: 100 }
  }
  const { of, clock, failures, undo } = scene(find, { ttl: '10s', retry: '5s' })
  await of('ada')()
  failing = true
  await clock.advance(10_001)
  expect(await statuses(of('ada'), 3)).toEqual([200, 200, 200])
  expect(asked).toBe(2)
  expect(failures).toEqual([['ada', 'the database is away']])
  await clock.advance(5_001)
  expect(await statuses(of('ada'), 3)).toEqual([200, 200, 200])
  expect(asked).toBe(3)
  undo()
})

test('limits by its own policies when a plan was never known', async () => {
  const { of, failures, undo } = scene(() => Promise.reject(broken))
  expect(await statuses(of('ada'), 2)).toEqual([200, 429])
  expect(failures).toEqual([['ada', 'the database is away']])
  undo()
})

test('does not wait for ever', async () => {
  const { of, clock, failures, undo } = scene(() => new Promise<never>(() => {}), { timeout: '300ms' })
  const asked = of('ada')()
  await clock.advance(300)
  expect((await asked).status).toBe(200)
  expect(failures).toEqual([['ada', 'the plan was not found in 300 ms']])
  expect(clock.pending).toBe(0)
  undo()
})

test.each<[unknown, RegExp]>([
  [{ limit: -1, per: '1s' }, /plan\[0\]\.limit must be/],
  [
    [
      { limit: 1, per: '1s' },
      { limit: 1, per: '1s' },
    ],
    /plan\[1\]\.name must be the name of one policy only/,
  ],
  ['gold', /plan\[0\] must be an object/],
  [[], /plan must be a list of at least 1/],
])('a plan that is none, %j, is a look-up that failed', async (plan, message) => {
  const { of, failures, undo } = scene(() => plan as never)
  expect(await statuses(of('ada'), 2)).toEqual([200, 429])
  expect(failures).toEqual([['ada', expect.stringMatching(message)]])
  undo()
})

test('keeps so many plans, those that were used last', async () => {
  const asked: string[] = []
  const find = (key: string) => {
    asked.push(key)
    return gold
  }
  const { of } = scene(find, { max: 2 })
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await of(key)()
  expect(asked).toEqual(['a', 'b', 'c', 'b'])
})

test('a plan that is changed holds for what was counted before', async () => {
  let limit = 2
  const { of, clock } = scene(() => ({ ...gold, algorithm: 'fixed', limit }), { ttl: '1s' })
  expect(await statuses(of('ada'), 3)).toEqual([200, 200, 429])
  limit = 5
  await clock.advance(1_001)
  expect(await statuses(of('ada'), 4)).toEqual([200, 200, 200, 429])
})

test('asks for a key as it is, however long, and tells it apart from others that begin like it', async () => {
  const asked: string[] = []
  const { of } = scene((key) => {
    asked.push(key)
    return gold
  })
  const [ada, bob] = [`${'x'.repeat(5_000)}a`, `${'x'.repeat(5_000)}b`]
  expect(await statuses(of(ada), 4)).toEqual([200, 200, 200, 429])
  expect((await of(bob)()).status).toBe(200)
  expect(asked).toEqual([ada, bob])
})
