import {
  type CallCheckOptions,
  createBalancer,
  type EjectionOptions,
  type HealthCheck,
  type ManagedBalancer,
} from '@gatelet/balancer'
import { type EventMap, isLease, subscribe } from '@gatelet/core'
import { type VirtualClock, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { attempt, failTimes, named, viewOf } from '../fakes.ts'

interface Scene {
  readonly clock: VirtualClock
  readonly balancer: ManagedBalancer
  /** Whose checks fail. */
  readonly down: Set<string>
  /** When each was checked, in milliseconds. */
  readonly checks: Map<string, number[]>
  readonly changes: string[]
}

type Given = Omit<CallCheckOptions, 'type' | 'check'> & { check?: HealthCheck; ejection?: EjectionOptions | false }

async function watching(ids: string, { check, ejection = {}, ...timing }: Given = {}): Promise<Scene> {
  const clock = virtualClock()
  const down = new Set<string>()
  const checks = new Map<string, number[]>()
  const changes: string[] = []
  const told = ({ endpoint, change }: EventMap['endpoint:changed']) => void changes.push(`${change} ${endpoint.id}`)
  onTestFinished(subscribe('endpoint:changed', told))
  const asked: HealthCheck = (endpoint, init) => {
    checks.set(endpoint.id, [...(checks.get(endpoint.id) ?? []), clock.now()])
    return check ? check(endpoint, init) : !down.has(endpoint.id)
  }
  const endpoints = [...ids].map((id) => named(id))
  const balancer = createBalancer({ endpoints, clock, ejection, health: { type: 'call', check: asked, jitter: 0, ...timing } })
  onTestFinished(() => balancer.close())
  await clock.advance(0)
  changes.length = 0
  return { clock, balancer, down, checks, changes }
}

describe('times', () => {
  test('checks at once, then after each interval', async () => {
    const { clock, checks } = await watching('ab')
    await clock.advance(10_000)
    expect(checks).toEqual(
      new Map([
        ['a', [0, 5_000, 10_000]],
        ['b', [0, 5_000, 10_000]],
      ]),
    )
  })

  test('checks faster while a check fails or contradicts what is believed', async () => {
    const { clock, checks, down } = await watching('a')
    down.add('a')
    await clock.advance(7_000)
    down.clear()
    await clock.advance(7_000)
    expect(checks.get('a')).toEqual([0, 5_000, 6_000, 7_000, 8_000, 9_000, 14_000])
  })

  test('checks more seldom where there is no traffic, if that is asked for', async () => {
    const { clock, checks, balancer } = await watching('ab', { idleIntervalMs: 60_000 })
    for (let second = 0; second < 30; second++) {
      attempt(balancer, 'success', 'a')
      await clock.advance(1_000)
    }
    expect(checks.get('a')).toHaveLength(7)
    expect(checks.get('b')).toHaveLength(2)
  })

  test('varies each interval by its jitter, both ways', async () => {
    const { clock, checks } = await watching('a', { jitter: 0.2 })
    await clock.advance(500_000)
    const times = checks.get('a') ?? []
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(4_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(6_000)
    expect(new Set(gaps).size).toBeGreaterThan(gaps.length / 2)
  })

  test('runs no more checks at the same time than is allowed', async () => {
    let running = 0
    let most = 0
    const { clock, checks } = await watching('abcdefghij', {
      concurrency: 3,
      check: async () => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => void clock0.setTimer(resolve, 10))
        running--
        return true
      },
    }).finally(() => {})
    await clock0.advance(100)
    await clock.advance(0)
    expect([most, checks.size]).toEqual([3, 10])
  })
  const clock0 = virtualClock()

  test('leaves no timer behind when endpoints go or the balancer is closed', async () => {
    const { clock, balancer, checks } = await watching('abc')
    void balancer.replace([named('a')])
    expect(clock.pending).toBe(1)
    await balancer.close()
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(checks.get('a')).toEqual([0])
  })
})

describe('results', () => {
  test('passes over an endpoint after three failures, and takes it back after two successes', async () => {
    const { clock, balancer, down, changes } = await watching('ab')
    down.add('a')
    await clock.advance(6_999)
    expect(viewOf(balancer, 'a').state).toBe('active')
    await clock.advance(1)
    expect(viewOf(balancer, 'a')).toMatchObject({
      state: 'unhealthy',
      health: 'unhealthy',
      circuit: 'closed',
      reason: 'the check said no',
    })
    for (let request = 0; request < 50; request++) expect(attempt(balancer, 'success')).toBe('b')
    down.clear()
    await clock.advance(2_000)
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', health: 'healthy', reason: undefined })
    expect(changes).toEqual(['unhealthy a', 'healthy a'])
  })

  test('does not go in and out with an endpoint that flaps', async () => {
    const { clock, down, changes } = await watching('ab')
    for (let second = 0; second < 120; second++) {
      if (second % 2 === 0) down.add('a')
      else down.clear()
      await clock.advance(1_000)
    }
    expect(changes.length).toBeLessThanOrEqual(2)
  })

  test('shows when it was checked, how long that took, and what was wrong, in a bounded length', async () => {
    const check = async () => {
      throw new Error(`no\n${'x'.repeat(10_000)}`)
    }
    const { balancer } = await watching('a', { check })
    const { lastCheck } = viewOf(balancer, 'a')
    expect(lastCheck).toMatchObject({ passed: false, at: 0, latencyMs: 0 })
    expect(lastCheck?.error).toBe(`no ${'x'.repeat(197)}`)
  })

  test('counts a check that takes too long as failed, and hears its signal abort', async () => {
    let reason: AbortSignal | undefined
    const { clock, balancer } = await watching('a', {
      check: (_endpoint, { signal }) => {
        reason = signal
        return new Promise(() => {})
      },
    })
    await clock.advance(1_999)
    expect(viewOf(balancer, 'a').health).toBe('unknown')
    await clock.advance(1)
    expect(viewOf(balancer, 'a').lastCheck).toMatchObject({ latencyMs: 2_000, error: 'no result within 2000 ms' })
    expect(reason?.aborted).toBe(true)
  })

  test('starts no second check beside one that never ends', async () => {
    const { clock, balancer, checks } = await watching('a', { check: () => new Promise(() => {}) })
    await clock.advance(60_000)
    expect(checks.get('a')).toEqual([0])
    expect(viewOf(balancer, 'a').lastCheck?.error).toBe('the check before has not ended yet')
  })

  test('takes what throws, and what is not true, for a no', async () => {
    const thrown = await watching('a', {
      check: () => {
        throw 'no words'
      },
    })
    expect(viewOf(thrown.balancer, 'a').lastCheck?.error).toBe('no words')
    const odd = await watching('a', { check: () => 'yes' as never })
    expect(viewOf(odd.balancer, 'a').health).toBe('unhealthy')
  })

  test('ignores what a check of an endpoint finds that is gone', async () => {
    let finish = (_isWell: boolean) => {}
    const { balancer, changes, clock } = await watching('a', {
      check: () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    })
    void balancer.replace([])
    finish(false)
    await clock.advance(10_000)
    expect(changes).toEqual(['removed a'])
  })

  test('does not blame an endpoint for a result that this process was too busy to read', async () => {
    const real = virtualClock()
    const stalled = { ...real, now: () => real.now() + late, setTimer: real.setTimer.bind(real) }
    let late = 0
    const balancer = createBalancer({
      endpoints: [named('a')],
      clock: stalled,
      health: { type: 'call', check: () => new Promise(() => {}), jitter: 0 },
    })
    onTestFinished(() => balancer.close())
    await real.advance(0)
    late = 3_000
    await real.advance(2_000)
    expect(viewOf(balancer, 'a').lastCheck).toBeUndefined()
  })
})

describe('before the first result', () => {
  const pending: HealthCheck = () => new Promise(() => {})

  test('an endpoint is healthy, unless it is to be assumed unhealthy', async () => {
    const trusting = await watching('a', { check: pending })
    expect(attempt(trusting.balancer, 'success')).toBe('a')
    const wary = await watching('ab', { check: ({ id }) => id === 'b' || new Promise<boolean>(() => {}), assume: 'unhealthy' })
    expect(viewOf(wary.balancer, 'a')).toMatchObject({ state: 'unhealthy', health: 'unknown', reason: 'not checked yet' })
    expect(attempt(wary.balancer, 'success')).toBe('b')
  })

  test('ready waits for the first result of each, also a bad one', async () => {
    const { balancer, clock } = await watching('ab', { check: ({ id }) => id === 'a' || new Promise<boolean>(() => {}) })
    let isReady = false
    const ready = balancer.ready().then(() => {
      isReady = true
    })
    await clock.advance(1_999)
    expect(isReady).toBe(false)
    await clock.advance(1)
    await ready
    expect(balancer.endpoints.map(({ health }) => health)).toEqual(['healthy', 'unhealthy'])
  })

  test('ready ends when the balancer is closed', async () => {
    const { balancer } = await watching('a', { check: pending })
    const ready = balancer.ready()
    await balancer.close()
    await expect(ready).resolves.toBeUndefined()
  })

  test('ready is true at once without checks', async () => {
    await expect(createBalancer({ endpoints: [named('a')] }).ready()).resolves.toBeUndefined()
  })

  test('one that is added later is checked at once', async () => {
    const { balancer, down, clock } = await watching('a')
    down.add('b')
    balancer.add(named('b'))
    await clock.advance(0)
    expect(viewOf(balancer, 'b').state).toBe('unhealthy')
  })
})

describe('beside ejection', () => {
  test('all may be unhealthy: then all are asked, unless panic is off', async () => {
    const { balancer, down, clock } = await watching('ab')
    down.add('a').add('b')
    await clock.advance(20_000)
    expect(new Set(Array.from({ length: 50 }, () => attempt(balancer, 'success')))).toEqual(new Set(['a', 'b']))
    const strict = createBalancer({
      endpoints: [named('a')],
      panicThreshold: 0,
      health: { type: 'call', check: () => false },
    })
    onTestFinished(() => strict.close())
    await strict.ready()
    const refused = strict.tryAcquire({ tried: [] })
    expect(!isLease(refused) && refused.reason).toBe('none-healthy')
  })

  test('never ejects the last one that is healthy', async () => {
    const { balancer, down, clock } = await watching('abc')
    down.add('a').add('b')
    await clock.advance(20_000)
    failTimes(balancer, 20, 'c')
    expect(viewOf(balancer, 'c').state).toBe('active')
  })

  test('a check that passes ends an ejection early; the endpoint is then probed', async () => {
    const { balancer, clock, changes } = await watching('abc')
    await clock.advance(1)
    failTimes(balancer, 5, 'a')
    await clock.advance(5_000)
    expect(viewOf(balancer, 'a')).toMatchObject({ circuit: 'half-open', reason: 'a check passed' })
    attempt(balancer, 'success', 'a')
    expect(changes).toEqual(['ejected a', 'half-open a', 'readmitted a'])
  })

  test('a check is believed once: when the probe fails all the same, the ejection lasts its time', async () => {
    const { balancer, clock } = await watching('abc')
    await clock.advance(1)
    failTimes(balancer, 5, 'a')
    await clock.advance(5_000)
    attempt(balancer, 'failure', 'a')
    const { ejectedUntil = 0 } = viewOf(balancer, 'a')
    await clock.advance(ejectedUntil - clock.now() - 1)
    expect(viewOf(balancer, 'a').circuit).toBe('open')
    await clock.advance(1)
    expect(viewOf(balancer, 'a').circuit).toBe('half-open')
  })

  test('can be told not to end ejections', async () => {
    const { balancer, clock } = await watching('abc', { ejection: { endedByCheck: false } })
    await clock.advance(1)
    failTimes(balancer, 5, 'a')
    await clock.advance(20_000)
    expect(viewOf(balancer, 'a').circuit).toBe('open')
  })
})
