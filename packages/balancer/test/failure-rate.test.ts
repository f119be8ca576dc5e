import { createBalancer, type EjectionOptions, type ManagedBalancer } from '@gatelet/balancer'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { attempt, leaseOf, named, viewOf } from './fakes.ts'

function balancerOf(ids: string, ejection: EjectionOptions = {}) {
  const clock = virtualClock()
  return { clock, balancer: createBalancer({ endpoints: [...ids].map((id) => named(id)), ejection, clock }) }
}

/** Attempts at one endpoint: `f` fails, `s` succeeds, `c` is cancelled. */
function play(balancer: ManagedBalancer, id: string, script: string): void {
  const kinds = { f: 'failure', s: 'success', c: 'cancelled' } as const
  for (const letter of script) attempt(balancer, kinds[letter as 'f' | 's' | 'c'], id)
}

describe('the failure rate', () => {
  test('ejects where half of at least ten requests failed, though never many in a row', () => {
    const { balancer } = balancerOf('abc')
    play(balancer, 'a', 'sfsfsfsfs')
    expect(viewOf(balancer, 'a').state).toBe('active')
    play(balancer, 'a', 'f')
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'ejected', reason: '5 of 10 requests failed' })
  })

  test('counts nothing that was cancelled', () => {
    const { balancer } = balancerOf('abc')
    play(balancer, 'a', 'sfccccccccccccfsf')
    expect(viewOf(balancer, 'a').state).toBe('active')
  })

  test('forgets what is older than the window', async () => {
    const { balancer, clock } = balancerOf('abc')
    play(balancer, 'a', 'fsfsfsfs')
    await clock.advance(33_000)
    play(balancer, 'a', 'fsf')
    expect(viewOf(balancer, 'a').state).toBe('active')
  })

  test('begins anew when an endpoint answers after an outage', () => {
    const { balancer } = balancerOf('a')
    play(balancer, 'a', 'ffffffffffffs')
    const { balancer: two } = balancerOf('ab')
    for (let time = 0; time < 20; time++) for (const id of 'ab') play(two, id, 'f')
    play(two, 'b', 'sf')
    expect(viewOf(two, 'b').state).toBe('active')
  })

  test('takes other figures, and can be switched off', () => {
    const strict = balancerOf('abc', { failureRate: { threshold: 0.1, minRequests: 4 } }).balancer
    play(strict, 'a', 'sssf')
    expect(viewOf(strict, 'a').state).toBe('ejected')
    const off = balancerOf('abc', { failureRate: false }).balancer
    play(off, 'a', 'sf'.repeat(50))
    expect(viewOf(off, 'a').state).toBe('active')
  })
})

describe('gateway failures', () => {
  const fail = (balancer: ManagedBalancer, status?: number) => {
    const lease = leaseOf(balancer, 'a')
    lease.answered({ kind: 'failure', latencyMs: 1, ...(status === undefined ? {} : { status }) })
    lease.release()
  }

  test('may be fewer than other failures', () => {
    const { balancer } = balancerOf('abc', { consecutiveGatewayFailures: 2 })
    fail(balancer, 500)
    fail(balancer, 503)
    fail(balancer, 500)
    fail(balancer)
    expect(viewOf(balancer, 'a').state).toBe('active')
    const gone = balancerOf('abc', { consecutiveGatewayFailures: 2 }).balancer
    fail(gone)
    fail(gone, 504)
    expect(viewOf(gone, 'a')).toMatchObject({ state: 'ejected', reason: '2 times in a row not reached' })
  })
})

describe('outliers', () => {
  /** `requests` at each, of which so many of each hundred fail. */
  function spread(balancer: ManagedBalancer, failing: Readonly<Record<string, number>>, requests = 100): void {
    for (const [id, percent] of Object.entries(failing))
      for (let sent = 0; sent < requests; sent++)
        attempt(
          balancer,
          Math.floor((sent * percent) / 100) < Math.floor(((sent + 1) * percent) / 100) ? 'failure' : 'success',
          id,
        )
  }
  const rules: EjectionOptions = { failureRate: false, consecutiveFailures: 1_000 }

  test('ejects the one of five that fails far more often than the others', async () => {
    const { balancer, clock } = balancerOf('abcde', rules)
    spread(balancer, { a: 1, b: 0, c: 2, d: 0, e: 25 })
    await clock.advance(10_000)
    attempt(balancer, 'success', 'a')
    expect(balancer.endpoints.filter(({ state }) => state === 'ejected').map(({ id }) => id)).toEqual(['e'])
    expect(viewOf(balancer, 'e').reason).toBe('only 75.0 % of its requests succeed, fewer than of the others')
  })

  test.each([
    ['four endpoints', 'abcd', { a: 0, b: 0, c: 0, d: 40 }, 100],
    ['fewer than a hundred requests', 'abcde', { a: 0, b: 0, c: 0, d: 0, e: 40 }, 90],
    ['one failure of a hundred, where the others have none', 'abcde', { a: 0, b: 0, c: 0, d: 0, e: 1 }, 100],
    ['the same rate everywhere', 'abcdef', { a: 30, b: 30, c: 30, d: 30, e: 30, f: 30 }, 100],
  ])('says nothing of %s', async (_what, ids, failing, requests) => {
    const { balancer, clock } = balancerOf(ids, rules)
    spread(balancer, failing, requests)
    await clock.advance(10_000)
    attempt(balancer, 'success', 'a')
    expect(balancer.endpoints.every(({ state }) => state === 'active')).toBe(true)
  })

  test('is a matter of a few endpoints at most: the share holds', async () => {
    const { balancer, clock } = balancerOf('abcdefghij', { ...rules, maxShare: 0.1, outliers: { stdevs: 0.1 } })
    spread(balancer, { a: 60, b: 60, c: 60, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, j: 0 })
    await clock.advance(10_000)
    attempt(balancer, 'success', 'd')
    expect(balancer.endpoints.filter(({ state }) => state === 'ejected')).toHaveLength(1)
  })

  test('can be switched off', async () => {
    const { balancer, clock } = balancerOf('abcde', { ...rules, outliers: false })
    spread(balancer, { a: 0, b: 0, c: 0, d: 0, e: 90 })
    await clock.advance(10_000)
    attempt(balancer, 'success', 'a')
    expect(viewOf(balancer, 'e').state).toBe('active')
  })
})
