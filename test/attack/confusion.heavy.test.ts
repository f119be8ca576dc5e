import { posix } from 'node:path'
import type { Middleware, PathOptions } from '@gatelet/core'
import type { Forwarder } from '@gatelet/proxy'
import { createRouter, rewrite, type TrailingSlash } from '@gatelet/router'
import { expect, test } from 'vitest'
import { send } from './support/pipeline.ts'
import { message, room } from './support/room.ts'

// Every way to write a path that two readers could read differently, at every place, through server, router and proxy. What the
// route saw is what the upstream is asked for, and no usual reading of that by the upstream leads to another route; or the
// request is refused, and nobody sees it.

const pieces = [
  ...['/', '//', '///', '/.', '/./', '/..', '/../', '/.../', './', '../', '.', '..'],
  ...['%2e', '%2E', '%2e%2e', '.%2e', '/%2e/', '/%2e%2e/', '/.%2E/', '/%2E./'],
  ...['%2f', '%2F', '%2f%2f', '/%2f', '%2f/', '%2f..%2f', '..%2f', '/..%2f'],
  ...['\\', '\\..\\', '%5c', '%5C', '%5c..%5c', '/..%5c', '..\\'],
  ...[';', ';x=1', ';/', '/;/', '/..;/', '/.;x/', '%3b', '..%3b/', '/..%3bx/', ';%2e%2e;'],
  ...['%c0%af', '%c0%ae%c0%ae/', '%e0%80%af', '%f0%80%80%af', '%c1%9c', '%ff', '%u002f', '%uff0f', '%ef%bc%8f', '%e2%88%95'],
  ...[
    '%252f',
    '%252e%252e%252f',
    '%252e',
    '%255c',
    '%2525',
    '%25',
    '%',
    '%2',
    '%zz',
    '%00',
    '%2500',
    '%0a',
    '%0d%0a',
    '%20',
    '%09',
  ],
  ...[
    '%61',
    '%41',
    'A',
    '%7e',
    '~',
    '+',
    '%2b',
    ':',
    '@',
    '*',
    '%2a',
    '?',
    '%3f',
    '#',
    '%23',
    '&',
    '=',
    '|',
    '"',
    '\u00e9',
    '%c3%a9',
  ],
]

const places: readonly ((piece: string) => string)[] = [
  (piece) => `${piece}admin`,
  (piece) => `/${piece}admin`,
  (piece) => `/admin${piece}`,
  (piece) => `/ad${piece}min`,
  (piece) => `/admin/${piece}`,
  (piece) => `/api${piece}admin`,
  (piece) => `/api/${piece}`,
  (piece) => `/api/x${piece}`,
  (piece) => `/api/x${piece}y`,
  (piece) => `/files${piece}admin`,
  (piece) => `/files/a${piece}b/c`,
  (piece) => `/files/a/${piece}`,
  (piece) => `/old${piece}x`,
  (piece) => `/moved/${piece}`,
  (piece) => `http://a.test${piece}admin`,
]

const targets = [
  ...new Set(places.flatMap((place) => pieces.map((piece) => place(piece)))),
  ...['/ADMIN', '/Admin', '/admiN/', '/API/x', '/%41DMIN', '/Api/../admin', '/FILES/..%2fadmin'],
].filter((target) => !target.includes(' '))

/** What a route saw of one request. */
interface Matched {
  readonly route: string
  readonly params: { readonly item?: string }
  readonly path: string
}

interface Setting {
  readonly name: string
  readonly paths: PathOptions
  readonly trailingSlash: TrailingSlash
}

const settings: readonly Setting[] = [
  { name: 'with no option', paths: {}, trailingSlash: 'strict' },
  { name: 'with slashes at the end ignored', paths: {}, trailingSlash: 'ignore' },
  { name: 'with slashes at the end redirected', paths: {}, trailingSlash: 'redirect' },
  { name: 'with // let through', paths: { doubleSlash: true }, trailingSlash: 'ignore' },
  { name: 'with %2F let through', paths: { encodedSlash: true }, trailingSlash: 'strict' },
  { name: 'with %5C let through', paths: { encodedBackslash: true }, trailingSlash: 'strict' },
  {
    name: 'with all of them let through',
    paths: { doubleSlash: true, encodedSlash: true, encodedBackslash: true },
    trailingSlash: 'redirect',
  },
]

test.each(settings)(`$name, of ${targets.length} targets, what the router matched is what the upstream got`, async (setting) => {
  const { paths } = setting
  const matched = new Map<string, Matched>()
  await using scene = await room({ layers: (forward) => routes(forward, setting, matched), serve: { paths } })
  const fates = await fatesOf(scene.port, targets)
  const got = new Map(scene.upstream.requests.map(({ line, all }) => [all('x-id').join(), line.slice('GET '.length)]))
  expect(got.size, 'no request comes twice').toBe(scene.upstream.requests.length)
  for (const [at, target] of targets.entries()) {
    const [saw, path] = [matched.get(String(at)), got.get(String(at))?.replace(/\?.*/, '')]
    if (fates[at] !== 200) {
      // Nobody saw it: no upstream, and no layer of a route.
      expect({ target, status: fates[at], saw, path }).toEqual({
        target,
        status: expect.toSatisfy(isRefusal),
        saw: undefined,
        path,
      })
      expect(path, target).toBeUndefined()
      continue
    }
    if (!saw || path === undefined) throw new Error(`${target}: answered, and seen by nobody`)
    expect(path, target).toBe(expectedOf(saw))
    for (const [reader, read] of readers(paths)) expect(read(path), `${target}, read by ${reader}`).toBe(true)
    // What only an escape keeps from being the guarded path must have met its guard.
    if (isGuarded(path)) expect(saw.route, target).toMatch(/^\/admin/)
  }
  // The targets are evil, but not so evil that nothing came through.
  expect(got.size).toBeGreaterThan(targets.length / 5)
})

const isRefusal = (status: number) => status === 400 || status === 404 || status === 308

function routes(forward: Forwarder, { trailingSlash }: Setting, matched: Map<string, Matched>) {
  const tap: Middleware<{ readonly params: object; readonly route: string }> = (ctx, next) => {
    const { params, route } = ctx.state
    matched.set(ctx.request.headers.get('x-id') ?? '', { params, route, path: ctx.request.url.path })
    return next(ctx)
  }
  const renamed = rewrite({ path: '/items/:item' })
  const moved = rewrite({ prefix: '/static' })
  return createRouter()
    .route({ path: '/admin', trailingSlash }, tap, forward)
    .route({ path: '/admin/*rest', trailingSlash }, tap, forward)
    .route({ path: '/api/:item', trailingSlash }, tap, forward)
    .route({ path: '/files/*rest', trailingSlash }, tap, forward)
    .route({ path: '/old/:item', trailingSlash }, tap, (ctx) => renamed(ctx, forward))
    .mount('/moved/*rest', tap, (ctx) => moved(ctx, forward))
}

/** What the upstream must be asked for: what was matched, or what the rewrite makes of it. */
function expectedOf({ route, params, path }: Matched): string {
  if (route === '/old/:item') return `/items/${encodeURIComponent(params.item ?? '')}`
  return route === '/moved/*rest' ? path.replace(/^\/moved/, '/static') : path
}

/** The status of each; 0 where the connection was closed without a reply. */
async function fatesOf(port: number, all: readonly string[]): Promise<number[]> {
  const fates: number[] = []
  for (let from = 0; from < all.length; from += 32) {
    const some = all.slice(from, from + 32)
    const replies = await Promise.all(some.map((target, at) => send(port, message(`GET ${target}`, [`X-Id: ${from + at}`]))))
    fates.push(...replies.map((reply) => Number(/^HTTP\/1\.1 (\d+)/.exec(reply.toString('latin1'))?.[1] ?? 0)))
  }
  return fates
}

type Reader = readonly [name: string, agrees: (path: string) => boolean]

/** Ways in which upstreams read paths. Each says whether it still reads the path that was matched. */
function readers({ doubleSlash, encodedSlash, encodedBackslash }: PathOptions): Reader[] {
  const found: Reader[] = [
    ['a URL parser', (path) => new URL(`http://a.test${path}`).pathname === path],
    ['one that takes parameters behind ; away', (path) => !/\/\.{1,2}(?:;|\/|$)/.test(path)],
  ]
  // What is let through on purpose is for upstreams that read it as data, too.
  if (doubleSlash) return found
  found.push(['one that merges slashes', (path) => !path.includes('//')])
  if (encodedSlash) return found
  found.push(['one that decodes first', (path) => posix.normalize(decoded(path)) === decoded(path)])
  if (encodedBackslash) return found
  found.push(['one on Windows', (path) => posix.normalize(decoded(path).replaceAll('\\', '/')) === decoded(path)])
  return found
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

const isGuarded = (path: string) => /^\/admin(?:\/|$)/.test(path)
