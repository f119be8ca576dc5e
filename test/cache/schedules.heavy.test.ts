import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { type CacheControl, cache, memoryCacheStore } from '@gatelet/cache'
import { chain } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { type VirtualClock, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ask, type Got } from './support/ask.ts'
import { start } from './support/scene.ts'
import { type OriginAnswer, type ScriptedOrigin, type Seen, scriptedOrigin } from './support/scripted-origin.ts'

// Whatever clients do, in whatever order, and whatever becomes of the origin: each body that is given is one that the origin gave for
// the very same request, whole, and at a time from which it may still be given. What that is, this file says for itself.

const isShort = process.env['HEAVY_SHORT'] === '1'

/** What each target says of its life, in seconds. */
const lives = {
  '/plain': { says: 'max-age=10', freshS: 10, staleS: 0, errorS: 0 },
  '/swr': { says: 'max-age=10, stale-while-revalidate=20', freshS: 10, staleS: 20, errorS: 0 },
  '/sie': { says: 'max-age=10, stale-if-error=30', freshS: 10, staleS: 0, errorS: 30 },
  '/strict': {
    says: 'max-age=10, must-revalidate, stale-while-revalidate=20, stale-if-error=30',
    freshS: 10,
    staleS: 0,
    errorS: 0,
  },
  '/asked': { says: 'no-cache', freshS: 0, staleS: 0, errorS: 0 },
  '/never': { says: 'no-store', freshS: 0, staleS: 0, errorS: 0 },
} as const
type Target = keyof typeof lives
const targets = Object.keys(lives) as Target[]
const languages = ['de', 'en'] as const

interface Reading {
  readonly kind: 'get' | 'head' | 'part' | 'leave'
  readonly target: Target
  readonly language: (typeof languages)[number]
}

interface Change {
  readonly kind: 'write' | 'edit' | 'purge'
  readonly target: Target
}

type Action = Reading | Change

/** What happens at once; then time passes, and the origin may fall ill or get well. */
interface Step {
  readonly actions: readonly Action[]
  readonly passes: number
  readonly mood: 'well' | 'failing' | 'gone' | 'truncating'
  readonly slowness: number
}

const target = fc.constantFrom(...targets)
const language = fc.constantFrom(...languages)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('get' as const), target, language }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('head' as const, 'part' as const, 'leave' as const), target, language }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('write' as const, 'edit' as const, 'purge' as const), target }) },
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    actions: fc.array(action, { minLength: 1, maxLength: 8 }),
    passes: fc.constantFrom(0, 0, 1, 5, 9, 11, 25, 45),
    mood: fc.constantFrom(
      'well' as const,
      'well' as const,
      'well' as const,
      'failing' as const,
      'gone' as const,
      'truncating' as const,
    ),
    slowness: fc.nat(6),
  }),
  { minLength: 2, maxLength: 12 },
)

/** When the origin said that a body is what is there: the event's number, and the time. */
interface Said {
  readonly event: number
  readonly atMs: number
}

/** An origin whose pages change, and a memory of all that it said. */
class World {
  events = 0
  mood: Step['mood'] = 'well'
  slowness = 0
  readonly bodies = new Map<string, Said[]>()
  /** Since when what was said of a target does not count any more. */
  readonly cutAt = new Map<Target, number>()
  /** When each write came, by its body. */
  readonly writes = new Map<string, number>()
  private readonly versions = new Map<Target, number>()
  private readonly clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.clock = clock
  }

  edit(target: Target): void {
    this.versions.set(target, this.version(target) + 1)
  }

  answer({ method, target, headers, body: sent }: Seen): OriginAnswer {
    const first = async () => {
      for (let turns = 0; turns < this.slowness; turns++) await turn()
    }
    if (this.mood === 'gone') return { breaksAfter: 0, first }
    if (this.mood === 'failing') return { status: 503, headers: { 'cache-control': 'no-store' }, body: 'ill', first }
    if (method === 'POST') {
      this.edit(target as Target)
      this.writes.set(sent, ++this.events)
      return { status: 204, first }
    }
    const known = target as Target
    const spoken = String(headers['accept-language'])
    // Nobody has what is for one in common with another.
    const own = known === '/never' ? `${++this.events}` : ''
    const body = `${known} ${spoken} ${this.version(known)} ${own}${'.'.repeat(300)}`
    const tag = `"${spoken}-${this.version(known)}"`
    const fields = { 'cache-control': lives[known].says, vary: 'accept-language', etag: tag }
    // When it decides, not when it has sent it all.
    const said = { event: ++this.events, atMs: this.clock.date() }
    if (headers['if-none-match'] === tag) {
      this.bodies.get(body)?.push(said)
      return { status: 304, headers: fields, first }
    }
    if (this.mood === 'truncating') return { headers: fields, body, breaksAfter: 100, first }
    this.bodies.set(body, [...(this.bodies.get(body) ?? []), said])
    return { headers: fields, body, first }
  }

  private version(target: Target): number {
    return this.versions.get(target) ?? 1
  }
}

interface Place {
  readonly url: string
  readonly port: number
  readonly world: World
  readonly clock: VirtualClock
  readonly control: CacheControl
  readonly origin: ScriptedOrigin
  /** What clients got. */
  readonly given: Set<string>
}

async function played(all: readonly Step[]): Promise<number> {
  const clock = virtualClock({ date: start })
  const world = new World(clock)
  await using origin = await scriptedOrigin(clock)
  origin.answerWith((seen) => world.answer(seen))
  const control = cache({ clock, store: memoryCacheStore({ maxBytes: 1_000_000, clock }) })
  const forward = proxy(origin.url, { retries: 0 })
  const server = await serve(chain().use(control).to(forward), { port: 0, host: '127.0.0.1' })
  const place = { url: server.url, port: server.port, world, clock, control, origin, given: new Set<string>() }
  try {
    for (const { actions, passes, mood, slowness } of all) {
      Object.assign(world, { mood, slowness })
      await Promise.all(actions.map((each) => act(place, each)))
      await clock.advance(passes * 1_000)
    }
    return origin.seen.length
  } finally {
    await server.close({ graceMs: 0 })
    await forward.close()
  }
}

function act(place: Place, action: Action): Promise<void> {
  return 'language' in action ? read(place, action) : change(place, action)
}

async function change({ world, url, control }: Place, { kind, target }: Change): Promise<void> {
  if (kind === 'edit') return world.edit(target)
  if (kind === 'purge') {
    const before = ++world.events
    await control.purge({ key: `http://shop.example${target}` })
    return cut(world, target, before)
  }
  const body = `write ${++world.events}`
  const { status } = await ask(url, { method: 'POST', target, body })
  if (status === 204) cut(world, target, world.writes.get(body) ?? 0)
}

async function read(place: Place, action: Reading): Promise<void> {
  const { world, url, origin } = place
  const { language, target } = action
  if (action.kind === 'leave') return leave(place, target, language)
  const [cutAt, asked] = [world.cutAt.get(target) ?? 0, origin.seen.length]
  const isPart = action.kind === 'part'
  const headers = { 'accept-language': language, ...(isPart && { range: 'bytes=0-23' }) }
  const got = await ask(url, { method: action.kind === 'head' ? 'HEAD' : 'GET', target, headers })
  judge(place, action, got, { cutAt, wasAsked: origin.seen.length > asked })
}

// What was said before a change that is over does not count for who asks after it.
function cut(world: World, target: Target, event: number): void {
  world.cutAt.set(target, Math.max(event, world.cutAt.get(target) ?? 0))
}

async function leave({ port }: Place, target: Target, language: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  socket.write(`GET ${target} HTTP/1.1\r\nHost: shop.example\r\nAccept-Language: ${language}\r\n\r\n`)
  for (let turns = 0; turns < 5; turns++) await turn()
  socket.destroy()
}

function judge(
  { world, clock, given }: Place,
  action: Reading,
  got: Got,
  { cutAt, wasAsked }: { cutAt: number; wasAsked: boolean },
): void {
  const what = `${action.kind} ${action.target} ${action.language}: ${got.status} ${got.headers['cache-status']}`
  const isError = got.status === 503 || got.status === 502
  if (isError) expect(world.mood, what).not.toBe('well')
  else expect([200, 206], what).toContain(got.status)
  if (!got.isWhole) expect(world.mood, what).toBe('truncating')
  if (isError || !got.isWhole || action.kind === 'head') return
  const text = got.body.toString()
  const [body, said] = [...world.bodies].find(([known]) => known === text || (got.status === 206 && known.startsWith(text))) ?? []
  expect(body, `${what}: nobody said: ${text}`).toBeDefined()
  if (got.status === 200) expect(text.startsWith(`${action.target} ${action.language} `), `${what}: ${text}`).toBe(true)
  const { freshS, staleS, errorS } = lives[action.target]
  const isIll = world.mood !== 'well' && wasAsked
  const longestMs = (freshS + Math.max(staleS, isIll ? errorS : 0)) * 1_000
  // What comes straight from the origin is allowed whatever it says.
  if (action.target === '/never') expect(given.has(text), `${what}: given twice`).toBe(false)
  if (got.status === 200) given.add(text)
  const isAllowed = said?.some(({ event, atMs }) => event > cutAt && (clock.date() - atMs < longestMs || clock.date() === atMs))
  expect(isAllowed, `${what}: given at ${clock.date() - start} ms, said ${JSON.stringify(said)}, cut at event ${cutAt}`).toBe(
    true,
  )
}

test('nothing is given that the origin did not say, or that may not be given any more', { timeout: 280_000 }, async () => {
  let reached = 0
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      reached += await played(all)
    }),
    { seed: 9111, numRuns: isShort ? 60 : 600, interruptAfterTimeLimit: 240_000 },
  )
  expect(reached).toBeGreaterThan(200)
})
