import { getEventListeners } from 'node:events'
import { createBalancer } from '@gatelet/balancer'
import { GatewayError, isLease, type Outcome } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, virtualClock } from '@gatelet/testing'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'

/** What a database client looks like from here. */
interface Pool {
  readonly name: string
  query(sql: string): Promise<string>
}

const pool = (name: string): Pool => ({ name, query: async (sql) => `${name}: ${sql}` })
const [one, two] = [pool('one'), pool('two')]

const clock = virtualClock()
const databases = (options: object = {}) =>
  createBalancer({
    endpoints: [
      { id: 'one', value: one },
      { id: 'two', value: two },
    ],
    strategy: 'round-robin',
    clock,
    ...options,
  })

const open = (balancer: ReturnType<typeof databases>) => balancer.endpoints.reduce((sum, { inflight }) => sum + inflight, 0)
const failures = (balancer: ReturnType<typeof databases>) =>
  balancer.endpoints.map(({ consecutiveFailures }) => consecutiveFailures)
const hang = () => new Promise<never>(() => {})

describe('run', () => {
  test('hands out the values of the endpoints in turn, and gives back what the call returns', async () => {
    const balancer = databases()
    const answers = [await balancer.run((db) => db.query('x')), await balancer.run((db) => db.query('x'))]
    expect(answers).toEqual(['one: x', 'two: x'])
    expect(open(balancer)).toBe(0)
  })

  test('counts a call in flight as long as it runs', async () => {
    const balancer = databases()
    const during = await balancer.run((_, { endpoint }) => endpoint.inflight)
    expect([during, open(balancer)]).toEqual([1, 0])
  })

  test('tells how it went: success, failure, no fault of the endpoint', async () => {
    const seen: Outcome['kind'][] = []
    const balancer = databases({
      strategy: () => {
        let endpoints: readonly never[] = []
        return {
          update: (snapshot: readonly never[]) => {
            endpoints = snapshot
          },
          pick: () => endpoints[0],
          report: (_: unknown, { kind }: Outcome) => void seen.push(kind),
        }
      },
    })
    const duplicate = new Error('duplicate key')
    await balancer.run(() => 1)
    await expect(balancer.run(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
    const asked = balancer.run(() => Promise.reject(duplicate), { isFailure: (error) => error !== duplicate })
    await expect(asked).rejects.toBe(duplicate)
    expect(seen).toEqual(['success', 'failure', 'cancelled'])
  })

  test('is not repeated unless that is asked for', async () => {
    const balancer = databases()
    const tried: string[] = []
    const failing = (db: Pool) => {
      tried.push(db.name)
      throw new Error(db.name)
    }
    await expect(balancer.run(failing)).rejects.toThrow('one')
    await expect(balancer.run(failing, { retries: 5 })).rejects.toThrow('one')
    expect(tried).toEqual(['one', 'two', 'one'])
    expect(open(balancer)).toBe(0)
  })

  test('is repeated at another endpoint, and says which attempt it is', async () => {
    const attempts: number[] = []
    const answer = await databases().run(
      (db, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 0) throw new Error('first')
        return db.name
      },
      { retries: 1 },
    )
    expect([answer, attempts]).toEqual(['two', [0, 1]])
  })

  test('what is no fault of the endpoint is not repeated', async () => {
    let calls = 0
    const asked = databases().run(
      () => {
        calls++
        throw new Error('syntax')
      },
      { retries: 2, isFailure: () => false },
    )
    await expect(asked).rejects.toThrow('syntax')
    expect(calls).toBe(1)
  })

  test('a refusal is a typed error', async () => {
    const balancer = databases({ endpoints: [], queue: false })
    await expect(balancer.run(() => 1)).rejects.toMatchObject({ code: 'NO_ENDPOINT' })
    void balancer.close()
    await expect(balancer.run(() => 1)).rejects.toMatchObject({ code: 'DRAINING' })
    const full = databases({ limits: { total: 1 } })
    void full.run(hang)
    await expect(full.run(() => 1)).rejects.toMatchObject({ code: 'QUEUE_FULL', headers: { 'retry-after': '1' } })
  })

  test('ends at its time, also where the call does not heed its signal, and blames the endpoint', async () => {
    const balancer = databases()
    let aborted = false
    const asked = balancer.run(
      (_, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return hang()
      },
      { timeoutMs: 100, retries: 1 },
    )
    const failed = expect(asked).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    await clock.advance(100)
    await failed
    expect([aborted, failures(balancer)]).toEqual([true, [1, 0]])
    expect(open(balancer)).toBe(1)
  })

  test('ends with its signal, frees the place with the call, and blames nobody', async () => {
    const balancer = databases()
    const controller = new AbortController()
    const asked = balancer.run((_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)), {
      signal: controller.signal,
    })
    await new Promise(setImmediate)
    expect(open(balancer)).toBe(1)
    controller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    expect([open(balancer), failures(balancer)]).toEqual([0, [0, 0]])
    await expect(balancer.run(() => 1, { signal: controller.signal })).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
  })

  test('a wait in the queue ends with the signal too', async () => {
    const balancer = databases({ limits: { total: 1 }, queue: { size: 5 } })
    const controller = new AbortController()
    let finish = () => {}
    const first = balancer.run(() => new Promise<void>((resolve) => (finish = resolve)))
    const waiting = balancer.run(() => 'never', { signal: controller.signal })
    const next = balancer.run(() => 'next')
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    finish()
    await first
    expect(await next).toBe('next')
    expect([open(balancer), clock.pending]).toEqual([0, 0])
  })

  test('a URL is handed out as such', async () => {
    const balancer = createBalancer({ endpoints: ['http://10.0.0.1:4001/v1'] })
    expect(String(await balancer.run((url) => url))).toBe('http://10.0.0.1:4001/v1')
  })

  test('one signal may be that of very many calls, waiting or not: no warning, and no listener stays', async () => {
    const warned: string[] = []
    const hear = ({ name }: Error) => void warned.push(name)
    process.on('warning', hear)
    onTestFinished(() => void process.off('warning', hear))
    const { signal } = new AbortController()
    const endpoints = [{ id: 'a', value: 'one' }]
    const balancer = createBalancer({ endpoints, limits: { perEndpoint: 20 }, queue: { size: 50 } })
    const lease = balancer.tryAcquire({ tried: [] })
    const calls = Array.from({ length: 50 }, () => balancer.run(() => new Promise((soon) => setImmediate(soon)), { signal }))
    const waiting = Array.from({ length: 15 }, () => balancer.acquire({ tried: [], signal }))
    await Promise.all(calls)
    for (const answer of waiting) {
      const late = await answer
      if (isLease(late)) late.release()
    }
    if (isLease(lease)) lease.release()
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(warned).toEqual([])
  })

  test('10,000 calls that end in every way leave nothing in flight', async () => {
    const balancer = databases({ limits: { perEndpoint: 8 }, queue: { size: 100, timeoutMs: 50 }, ejection: false })
    const calls: Promise<unknown>[] = []
    for (let n = 0; n < 10_000; n++) {
      const controller = new AbortController()
      const work = async () => {
        if (n % 3 === 0) throw new Error('no')
        if (n % 5 === 0) await new Promise((_resolve, reject) => setImmediate(reject, new Error('late')))
        return n
      }
      calls.push(
        balancer.run(work, { retries: n % 2, signal: controller.signal, ...(n % 7 ? {} : { timeoutMs: 1 }) }).catch(() => {}),
      )
      if (n % 4 === 0) controller.abort(new Error('left'))
      if (n % 50 === 0) await clock.advance(1)
    }
    await clock.advance(100)
    await Promise.all(calls)
    await new Promise(setImmediate)
    expect([open(balancer), clock.pending]).toEqual([0, 0])
  })
})

describe('endpoints that are values', () => {
  test('answer no requests', async () => {
    const reply = await call(proxy(databases()), '/')
    expect(reply.status).toBe(500)
  })

  test('stay the same with the same value, and keep their figures', async () => {
    const balancer = databases()
    const before = balancer.endpoints[0]
    await balancer.replace([
      { id: 'one', value: one },
      { id: 'two', value: pool('other') },
    ])
    expect(balancer.endpoints[0]).toBe(before)
    expect(await balancer.run((db) => db.name)).toBe('one')
    expect(await balancer.run((db) => db.name)).toBe('other')
  })

  test('do not stand beside others', () => {
    const mixed = () => createBalancer({ endpoints: [{ id: 'one', value: one }, 'http://10.0.0.1'] })
    expect(mixed).toThrow(/endpoints\[1\] must be a value, as the others are/)
    expect(mixed).toThrow(GatewayError)
  })

  test('are typed', () => {
    const balancer = createBalancer({ endpoints: [{ id: 'one', value: one }] })
    expectTypeOf(balancer.run((db) => db)).resolves.toEqualTypeOf<Pool>()
    // @ts-expect-error a URL is no pool
    expect(() => balancer.add('http://10.0.0.1')).not.toThrow()
    expectTypeOf(createBalancer({ endpoints: ['http://10.0.0.1'] }).run((url) => url)).resolves.toExtend<URL | Function>()
  })
})
