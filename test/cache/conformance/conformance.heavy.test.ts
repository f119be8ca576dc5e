import { type CacheOptions, cache, memoryCacheStore } from '@gatelet/cache'
import { chain } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { requireProgram, startNginx } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { overruled, refused } from './known.ts'
import { askAll, type Edition, publicOrigin, publicTests } from './suite.ts'
import { counted, type Verdict, verdicts } from './verdicts.ts'

// The public tests of HTTP caches (cache-tests.fyi), of 2020 as they were published, and with what was decided since.

/** A cache in front of an origin. */
type Start = (originUrl: string) => Promise<{ readonly url: string; close(): Promise<unknown> }>

const gatelet =
  (options: Omit<CacheOptions, 'per'>): Start =>
  async (originUrl) => {
    const forward = proxy(originUrl, { retries: 0 })
    const layers = chain()
      .use(cache({ store: memoryCacheStore({ maxBytes: 64_000_000 }), ...options }))
      .to(forward)
    const server = await serve(layers, { port: 0, host: '127.0.0.1' })
    const close = async () => {
      await server.close({ graceMs: 0 })
      await forward.close()
    }
    return { url: server.url, close }
  }

const nginx: Start = async (originUrl) => {
  const program = await startNginx(
    (port) => `proxy_cache_path cache keys_zone=all:8m;
      server { listen 127.0.0.1:${port}; location / { proxy_pass ${originUrl}; proxy_cache all; proxy_cache_revalidate on; } }`,
  )
  return { url: program.url, close: async () => program[Symbol.asyncDispose]() }
}

// What the defaults keep from clients and from answers that say nothing, and the suite asks for.
const options: Omit<CacheOptions, 'per'> = { requestDirectives: true, cookies: 'ignore', defaults: { staleIfErrorMs: 60_000 } }
const oldField: Omit<CacheOptions, 'per'> = { ...options, targets: ['surrogate-control', 'cdn-cache-control'] }

async function asked(start: Start, edition: Edition): Promise<Verdict[]> {
  await using origin = await publicOrigin()
  const { url, close } = await start(origin.url)
  try {
    return verdicts(publicTests(edition), await askAll(url, edition))
  } finally {
    await close()
  }
}

const lacks = (all: readonly Verdict[]) => all.filter(({ fate, kind }) => fate !== 'pass' && kind !== 'check').map(({ id }) => id)

function score(name: string, all: readonly Verdict[]): string {
  const kinds = (['required', 'optimal', 'check'] as const).map((kind) => [kind, counted(all, kind)] as const)
  return `${name.padEnd(42)} ${kinds.map(([kind, { passed, of }]) => `${kind} ${passed} of ${of}`.padEnd(20)).join(' ')}`
}

test('keeps all that the public tests require, but for what is written down with its reason', async () => {
  const [amended, published, byDefault] = await Promise.all([
    asked(gatelet(options), 'amended'),
    asked(gatelet(oldField), 'published'),
    asked(gatelet({}), 'amended'),
  ])
  console.log(
    [
      score('Gatelet, the tests as amended since', amended),
      score('Gatelet, as they were published', published),
      score('Gatelet without options, as amended', byDefault),
      ...toldOf(amended, refused),
      'As they were published, besides:',
      ...toldOf(published, overruled),
    ].join('\n'),
  )
  expect(unexpected(amended, refused)).toEqual([])
  expect(unexpected(published, { ...refused, ...overruled })).toEqual([])
  // What passes after all must go from the lists.
  expect(Object.keys(refused).filter((id) => !lacks(amended).includes(id))).toEqual([])
  expect(Object.keys(overruled).filter((id) => !lacks(published).includes(id))).toEqual([])
})

type Reasons = Readonly<Record<string, string>>

const toldOf = (all: readonly Verdict[], reasons: Reasons) =>
  lacks(all)
    .filter((id) => id in reasons)
    .map((id) => `  not passed: ${id}. ${reasons[id]}`)

const unexpected = (all: readonly Verdict[], reasons: Reasons) =>
  lacks(all)
    .filter((id) => !(id in reasons))
    .map((id) => messageOf(all, id))

const messageOf = (all: readonly Verdict[], id: string) => `${id}: ${all.find((each) => each.id === id)?.message}`

test.skipIf(!requireProgram('nginx'))('nginx in the same place passes less', async () => {
  const all = await asked(nginx, 'amended')
  console.log(score('nginx with proxy_cache, as amended', all))
  // That it passes most says that the way of asking is right.
  expect(counted(all, 'required').passed).toBeGreaterThan(80)
})
