import { RouteTable } from '@gatelet/router'
import fc from 'fast-check'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { addRoute, createRouter, findRoute } from 'rou3'
import { describe, expect, test } from 'vitest'

// What other routers find in the same routes: each way in which one of them differs has a name, a reason and examples below,
// and there are no other ways.

interface PlainRoute {
  readonly method: string
  /** With parameters as `:x`, and `*` for a rest, which all of them have. */
  readonly path: string
}

/** The route that was found, and what it captured, the rest as `*`. */
type Found = { readonly path: string; readonly params: Readonly<Record<string, string>> } | undefined

type Find = (method: string, path: string) => Found

interface Difference {
  readonly what: string
  readonly why: string
  /** Whether it explains what both found. */
  explains(path: string, ours: Found, theirs: Found): boolean
  readonly examples: readonly { readonly routes: readonly string[]; readonly path: string; ours: string; theirs: string }[]
}

interface Other {
  readonly name: string
  build(routes: readonly PlainRoute[]): Find
  readonly differences: readonly Difference[]
}

const others: readonly Other[] = [
  {
    name: 'find-my-way',
    build: builtByFindMyWay,
    differences: [
      {
        what: 'a parameter may be empty',
        why: '`/users/` is the list, not the user whose name is empty: an id that nobody checked for being empty has deleted too much',
        explains: (_path, _ours, theirs) =>
          theirs !== undefined && Object.entries(theirs.params).some(([name, value]) => name !== '*' && value === ''),
        examples: [
          { routes: ['/a/:x'], path: '/a/', ours: 'nothing', theirs: '/a/:x {"x":""}' },
          { routes: ['/:x/b'], path: '//b', ours: 'nothing', theirs: '/:x/b {"x":""}' },
          { routes: ['/a/:x', '/a/*'], path: '/a/', ours: '/a/* {"*":""}', theirs: '/a/:x {"x":""}' },
        ],
      },
    ],
  },
  {
    name: 'rou3',
    build: builtByRou3,
    differences: [
      {
        what: 'a slash at the end plays no part',
        why: 'who guards `/admin` must be able to tell that `/admin/` is guarded, too: here that is asked for, by `trailingSlash`',
        explains: (path) => path.endsWith('/') && path !== '/',
        examples: [
          { routes: ['/a'], path: '/a/', ours: 'nothing', theirs: '/a {}' },
          { routes: ['/:x'], path: '/a/', ours: 'nothing', theirs: '/:x {"x":"a"}' },
          { routes: ['/a/*'], path: '/a/b/', ours: '/a/* {"*":"b/"}', theirs: '/a/* {"*":"b"}' },
        ],
      },
    ],
  },
]

describe.each(others)('beside $name', ({ build, differences }) => {
  test('the same route and the same captures are found, unless a difference with a name explains it', () => {
    let same = 0
    const explained = new Map(differences.map(({ what }) => [what, 0]))
    fc.assert(
      fc.property(routes, fc.array(request, { minLength: 20, maxLength: 20 }), (made, requests) => {
        const [ours, theirs] = [builtByUs(made), build(made)]
        for (const [method, path] of requests) {
          const [here, there] = [ours(method, path), theirs(method, path)]
          if (text(here) === text(there)) {
            if (here) same++
            continue
          }
          const difference = differences.find((each) => each.explains(path, here, there))
          if (!difference) expect({ routes: made, method, path, found: text(here) }).toEqual({ found: text(there) })
          else explained.set(difference.what, (explained.get(difference.what) ?? 0) + 1)
        }
      }),
      { numRuns: 1_000, seed: 20_261_124 },
    )
    // The property would say nothing if hardly anything was found, and a difference that never shows is none.
    expect(same).toBeGreaterThan(2_500)
    for (const [what, times] of explained) expect(times, what).toBeGreaterThan(0)
  })

  describe.each(differences)('where $what', ({ explains, examples }) => {
    test.each(examples)('$path in $routes is $theirs, and here $ours', (example) => {
      const made = example.routes.map((path) => ({ method: 'GET', path }))
      const [here, there] = [builtByUs(made)('GET', example.path), build(made)('GET', example.path)]
      expect({ ours: text(here), theirs: text(there) }).toEqual({ ours: example.ours, theirs: example.theirs })
      expect(explains(example.path, here, there)).toBe(true)
    })
  })
})

function text(found: Found): string {
  return found ? `${found.path} ${JSON.stringify(found.params)}` : 'nothing'
}

// Few words that begin alike, so that patterns meet and paths match.
const word = fc.constantFrom('a', 'b', 'ab', 'abc', 'a-b', 'a.b', '~', '@me', 'b;v=1')
const segment = fc.oneof({ weight: 3, arbitrary: word }, { weight: 2, arbitrary: fc.constantFrom(':x', ':y') })
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '', '', '/*'))
  .map(
    ([segments, end]) => segments.map((part, at) => (part.startsWith(':') ? `/${part}${at}` : `/${part}`)).join('') + end || '/',
  )
const method = fc.constantFrom('GET', 'POST', 'DELETE')
const routes = fc.uniqueArray(fc.record({ method, path: pattern }), {
  selector: ({ method, path }) => `${method} ${path.replace(/:\w+/g, ':')}`,
  maxLength: 25,
  size: 'max',
})
const path = fc
  .array(fc.oneof(word, word, fc.constantFrom('c', 'x_y', '')), { maxLength: 6 })
  .map((parts) => `/${parts.join('/')}`)
const request = fc.tuple(method, path)

function builtByUs(made: readonly PlainRoute[]): Find {
  const table = RouteTable.build(made.map((route) => ({ ...route, path: route.path.replace('*', '*rest'), data: route.path })))
  return (method, path) => {
    const match = table.find({ method, url: { host: '', path } })
    if (match.kind !== 'hit') return undefined
    const { rest, ...params } = match.params as Record<string, string>
    return { path: match.data, params: { ...params, ...(rest !== undefined && { '*': rest }) } }
  }
}

// Its rest begins behind a slash: that `/a/*` stands for `/a` as well is a second route, where that has none of its own.
function builtByFindMyWay(made: readonly PlainRoute[]): Find {
  const router = findMyWay()
  const shapes = new Set(made.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ':')}`))
  for (const route of made) {
    const above = route.path.slice(0, -'/*'.length)
    const isFree = route.path.endsWith('/*') && above !== '' && !shapes.has(`${route.method} ${above.replace(/:\w+/g, ':')}`)
    for (const path of isFree ? [route.path, above] : [route.path]) {
      router.on(route.method as HTTPMethod, path, () => undefined, { route, isAbove: path === above })
    }
  }
  return (method, path) => {
    const found = router.find(method as HTTPMethod, path)
    if (!found) return undefined
    const { route, isAbove } = found.store as { readonly route: PlainRoute; readonly isAbove: boolean }
    return { path: route.path, params: { ...found.params, ...(isAbove && { '*': '' }) } as Record<string, string> }
  }
}

function builtByRou3(made: readonly PlainRoute[]): Find {
  const router = createRouter<PlainRoute>()
  for (const route of made) addRoute(router, route.method, route.path.replace('*', '**'), route)
  return (method, path) => {
    const found = findRoute(router, method, path)
    if (!found) return undefined
    const { 0: rest = '', _: _sameAgain, ...params } = found.params ?? {}
    return { path: found.data.path, params: { ...params, ...(found.data.path.endsWith('*') && { '*': rest }) } }
  }
}
