import { Exchange, HeaderList, type IncomingRequest, json } from '@gatelet/core'
import { memoryRateStore, type RateRule, rateLimit } from '@gatelet/rate-limiter'
import { rateLimit as expressRateLimit, MemoryStore, type Options } from 'express-rate-limit'
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** Something that decides. */
export interface Subject {
  readonly title: string
  /** With which others it is compared: those that do the same part. */
  readonly part: 'count' | 'two counts' | 'layer'
  readonly is: 'gatelet' | 'flexible' | 'express'
  readonly hasGoal?: boolean
  /** Makes one decision. */
  readonly ask: (key: string) => unknown
  /** The same with nothing counted yet. */
  readonly fresh: () => Subject['ask']
}

/** What must not be collected. */
export const kept: unknown[] = []

// So much that everybody passes.
const MANY = 1_000_000_000

const windowed = (algorithm: 'fixed' | 'sliding', name = 'a'): RateRule => ({ algorithm, name, limit: MANY, windowMs: 3_600_000 })
// Slow enough to keep a count of each key.
const gcra: RateRule = { algorithm: 'gcra', name: 'a', limit: 100, windowMs: 3_600_000, burst: MANY }

function counting(...rules: readonly [RateRule, RateRule?]): () => Subject['ask'] {
  return () => {
    const store = memoryRateStore({ maxKeys: 10_000_000 })
    const [first, second] = rules
    if (!second) return (key) => store.take([{ rule: first, key, cost: 1 }])
    return (key) =>
      store.take([
        { rule: first, key, cost: 1 },
        { rule: second, key, cost: 1 },
      ])
  }
}

function flexible(count: number): () => Subject['ask'] {
  return () => {
    const limiters = Array.from({ length: count }, () => new RateLimiterMemory({ points: MANY, duration: 3_600 }))
    const [first] = limiters
    if (first && count === 1) return (key) => first.consume(key)
    return (key) => Promise.all(limiters.map((limiter) => limiter.consume(key)))
  }
}

function express(): Subject['ask'] {
  const store = new MemoryStore()
  store.init({ windowMs: 3_600_000 } as Options)
  return (key) => store.increment(key)
}

/** A whole layer, from a request to a reply with its fields. */
function layer(): Subject['ask'] {
  const limit = rateLimit({ limit: 100, per: '1h', burst: MANY })
  const host = { inform() {} }
  const next = () => json({ ok: true })
  return (address) => limit(new Exchange(host).open(requestFrom(address)), next)
}

const headers = new HeaderList()

function requestFrom(address: string): IncomingRequest {
  return {
    method: 'GET',
    url: { scheme: 'http', host: 'a.test', port: undefined, path: '/', search: '' },
    target: '/',
    headers,
    body: null,
    client: { address, peer: address, viaTrustedProxy: false },
    kind: 'request',
    protocol: '1.1',
  }
}

/** The same for Express, with a request and a response that are as little as it looks at. */
function expressLayer(): Subject['ask'] {
  const limit = expressRateLimit({
    windowMs: 3_600_000,
    limit: MANY,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: false,
  })
  return (ip) => {
    const found = new Map<string, unknown>()
    const response = {
      headersSent: false,
      setHeader: (name: string, value: unknown) => found.set(name, value),
      append: (name: string, value: unknown) => found.set(name, value),
    }
    return new Promise<void>(
      (resolve) => void limit({ ip, headers: {}, app: { get() {} } } as never, response as never, () => resolve()),
    )
  }
}

function subject(
  title: string,
  part: Subject['part'],
  is: Subject['is'],
  make: () => Subject['ask'],
  more: Partial<Subject> = {},
): Subject {
  return { title, part, is, ask: make(), fresh: make, ...more }
}

export const subjects: readonly Subject[] = [
  subject('memoryRateStore, gcra', 'count', 'gatelet', counting(gcra), { hasGoal: true }),
  subject('memoryRateStore, fixed', 'count', 'gatelet', counting(windowed('fixed'))),
  subject('memoryRateStore, sliding', 'count', 'gatelet', counting(windowed('sliding'))),
  subject('rate-limiter-flexible', 'count', 'flexible', flexible(1)),
  subject('express-rate-limit, its store', 'count', 'express', () => express()),
  subject('memoryRateStore, two policies at once', 'two counts', 'gatelet', counting(gcra, windowed('fixed', 'b'))),
  subject('rate-limiter-flexible, two', 'two counts', 'flexible', flexible(2)),
  subject('rateLimit, from request to reply', 'layer', 'gatelet', layer),
  subject('express-rate-limit, from request to reply', 'layer', 'express', expressLayer),
]
