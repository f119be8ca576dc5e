import type { HttpRoute, HttpRouteFilter, HttpRouteMatch, HttpRouteRule, PathModifier, RequestRedirect } from './http-route.ts'
import { play } from './rows.ts'

// HTTPRouteFilter, one by one and together.

const prefix = (value: string): HttpRouteMatch => ({ path: { type: 'PathPrefix', value } })
const exact = (value: string): HttpRouteMatch => ({ path: { type: 'Exact', value } })
const rule = (match: HttpRouteMatch, ...filters: HttpRouteFilter[]): HttpRouteRule => ({
  matches: [match],
  filters,
  backendRefs: [{ name: 'v1' }],
})
const redirected = (match: HttpRouteMatch, requestRedirect: RequestRedirect): HttpRouteRule => ({
  matches: [match],
  filters: [{ type: 'RequestRedirect', requestRedirect }],
})
const route = (...rules: HttpRouteRule[]): HttpRoute[] => [{ rules }]
const full = (replaceFullPath: string): PathModifier => ({ type: 'ReplaceFullPath', replaceFullPath })
const replaced = (replacePrefixMatch: string): PathModifier => ({ type: 'ReplacePrefixMatch', replacePrefixMatch })
const rewritten = (path: PathModifier, hostname?: string): HttpRouteFilter => ({
  type: 'URLRewrite',
  urlRewrite: { path, ...(hostname !== undefined && { hostname }) },
})
const asks = (requestHeaderModifier: object): HttpRouteFilter => ({ type: 'RequestHeaderModifier', requestHeaderModifier })
const replies = (responseHeaderModifier: object): HttpRouteFilter => ({ type: 'ResponseHeaderModifier', responseHeaderModifier })
const sends = (location: string, status = 302) => ({ status, gets: { location } })
const got = (path: string) => ({ backend: 'v1', path })

play([
  {
    spec: 'HTTPURLRewriteFilter.path ReplacePrefixMatch',
    rule: 'what follows the prefix is kept, and there is one slash between',
    routes: route(
      rule(prefix('/prefix/one'), rewritten(replaced('/one'))),
      rule(prefix('/strip-prefix'), rewritten(replaced('/'))),
      rule(prefix('/foo'), rewritten(replaced('/xyz'))),
      rule(prefix('/bar/'), rewritten(replaced('/xyz'))),
      rule(prefix('/baz'), rewritten(replaced('/xyz/'))),
      rule(prefix('/empty'), rewritten(replaced(''))),
      rule(prefix('/longer'), rewritten(replaced('/a/b/c'))),
    ),
    asks: {
      'GET /prefix/one': got('/one'),
      'GET /prefix/one/': got('/one/'),
      'GET /prefix/one/two': got('/one/two'),
      'GET /prefix/one/two?a=b&c': got('/one/two?a=b&c'),
      'GET /strip-prefix': got('/'),
      'GET /strip-prefix/': got('/'),
      'GET /strip-prefix/three': got('/three'),
      'GET /strip-prefix?a=b': got('/?a=b'),
      'GET /foo/bar': got('/xyz/bar'),
      'GET /foo/': got('/xyz/'),
      'GET /foo': got('/xyz'),
      'GET /bar/bar': got('/xyz/bar'),
      'GET /bar': got('/xyz'),
      'GET /baz/bar': got('/xyz/bar'),
      'GET /baz': got('/xyz'),
      'GET /empty/a/b/': got('/a/b/'),
      'GET /empty': got('/'),
      'GET /longer/x%20y': got('/a/b/c/x%20y'),
      'GET /foolish': 404,
    },
  },
  {
    spec: 'HTTPURLRewriteFilter.path ReplaceFullPath',
    rule: 'the whole path is replaced, and the query kept',
    routes: route(
      rule(prefix('/full/one'), rewritten(full('/one'))),
      rule(
        prefix('/full/rewrite-path-and-modify-headers'),
        rewritten(full('/test')),
        asks({
          set: [{ name: 'X-Header-Set', value: 'set-overwrites-values' }],
          add: [
            { name: 'X-Header-Add', value: 'header-val-1' },
            { name: 'X-Header-Add-Append', value: 'header-val-2' },
          ],
          remove: ['X-Header-Remove'],
        }),
      ),
      rule(exact('/exact'), rewritten(full('/'))),
    ),
    asks: {
      'GET /full/one': got('/one'),
      'GET /full/one/two': got('/one'),
      'GET /full/one/two/?a=b': got('/one?a=b'),
      'GET /exact?x': got('/?x'),
      'GET /exact/': 404,
      'GET /full/rewrite-path-and-modify-headers/test | X-Header-Remove: v | X-Header-Add-Append: append-val-1 | X-Header-Set: v':
        {
          backend: 'v1',
          path: '/test',
          sees: {
            'x-header-add': 'header-val-1',
            'x-header-add-append': 'append-val-1, header-val-2',
            'x-header-set': 'set-overwrites-values',
            'x-header-remove': undefined,
          },
        },
    },
  },
  {
    spec: 'HTTPURLRewriteFilter.hostname',
    rule: 'the backend sees the new host, and else the one that the client named',
    routes: [
      {
        hostnames: ['rewrite.example'],
        rules: [rule(prefix('/one'), { type: 'URLRewrite', urlRewrite: { hostname: 'one.example.org' } }), rule(prefix('/two'))],
      },
      { hostnames: ['*.wild.example'], rules: [rule(prefix('/'), rewritten(full('/x'), 'x.example.org'))] },
      {
        rules: [rule(prefix('/both'), rewritten(replaced('/'), 'both.example.org'), asks({ set: [{ name: 'a', value: 'b' }] }))],
      },
    ],
    asks: {
      'GET rewrite.example/one': { backend: 'v1', host: 'one.example.org', path: '/one' },
      'GET rewrite.example/one/x?q': { backend: 'v1', host: 'one.example.org', path: '/one/x?q' },
      'GET rewrite.example/two': { backend: 'v1', host: 'rewrite.example', path: '/two' },
      'GET rewrite.example/three': 404,
      'GET a.b.wild.example/y': { backend: 'v1', host: 'x.example.org', path: '/x' },
      'GET /both/y': { backend: 'v1', host: 'both.example.org', path: '/y', sees: { a: 'b' } },
    },
  },
  {
    spec: 'HTTPRequestRedirectFilter.hostname, statusCode',
    rule: 'the answer is 302 unless it says otherwise, and names what was asked for elsewhere',
    routes: route(
      redirected(prefix('/hostname-redirect'), { hostname: 'example.org' }),
      redirected(prefix('/host-and-status'), { hostname: 'example.org', statusCode: 301 }),
      ...([301, 302, 303, 307, 308] as const).map((statusCode) =>
        redirected(prefix(`/status/${statusCode}`), { hostname: 'to.test', statusCode }),
      ),
      { matches: [prefix('/status')], backendRefs: [{ name: 'v1' }] },
    ),
    asks: {
      'GET /hostname-redirect': sends('http://example.org/hostname-redirect'),
      'GET /hostname-redirect/a?b=c': sends('http://example.org/hostname-redirect/a?b=c'),
      'POST /hostname-redirect': sends('http://example.org/hostname-redirect'),
      'GET /host-and-status': sends('http://example.org/host-and-status', 301),
      'GET /status/301': sends('http://to.test/status/301', 301),
      'GET /status/302': sends('http://to.test/status/302', 302),
      'GET /status/303': sends('http://to.test/status/303', 303),
      'POST /status/307': sends('http://to.test/status/307', 307),
      'POST /status/308/x': sends('http://to.test/status/308/x', 308),
      'GET /status/304': got('/status/304'),
    },
  },
  {
    spec: 'HTTPRequestRedirectFilter.scheme, port',
    rule: 'the port is that given, else the usual one of a given scheme, else that of the request; a usual one is not written',
    routes: route(
      redirected(prefix('/scheme-http'), { scheme: 'http', hostname: 'example.org' }),
      redirected(prefix('/scheme-https'), { scheme: 'https', hostname: 'example.org' }),
      redirected(prefix('/https-same-host'), { scheme: 'https', statusCode: 308 }),
      redirected(prefix('/http-80'), { scheme: 'http', port: 80 }),
      redirected(prefix('/http-8080'), { scheme: 'http', port: 8080 }),
      redirected(prefix('/https-443'), { scheme: 'https', port: 443 }),
      redirected(prefix('/https-8443'), { scheme: 'https', port: 8443, hostname: 'example.org' }),
      redirected(prefix('/port-80'), { port: 80 }),
      redirected(prefix('/port-8080'), { port: 8080 }),
      redirected(prefix('/port-443'), { port: 443 }),
      redirected(prefix('/nil'), { hostname: 'example.org' }),
    ),
    asks: {
      'GET /scheme-http': sends('http://example.org/scheme-http'),
      'GET a.test:8080/scheme-http': sends('http://example.org/scheme-http'),
      'GET /scheme-https': sends('https://example.org/scheme-https'),
      'GET a.test:8080/scheme-https': sends('https://example.org/scheme-https'),
      'GET a.test:8080/https-same-host/x?y': sends('https://a.test/https-same-host/x?y', 308),
      'GET a.test:8080/http-80': sends('http://a.test/http-80'),
      'GET a.test/http-8080': sends('http://a.test:8080/http-8080'),
      'GET a.test/https-443': sends('https://a.test/https-443'),
      'GET a.test/https-8443': sends('https://example.org:8443/https-8443'),
      'GET a.test:8080/port-80': sends('http://a.test/port-80'),
      'GET a.test/port-8080': sends('http://a.test:8080/port-8080'),
      'GET a.test/port-443': sends('http://a.test:443/port-443'),
      'GET a.test:8080/nil': sends('http://example.org:8080/nil'),
    },
  },
  {
    spec: 'HTTPRequestRedirectFilter.path',
    rule: 'the path is replaced as in a rewrite',
    routes: route(
      redirected(prefix('/original-prefix'), { path: replaced('/replacement-prefix') }),
      redirected(prefix('/full'), { path: full('/full-path-replacement') }),
      redirected(prefix('/prefix-and-host'), { hostname: 'example.org', path: replaced('/replacement-prefix') }),
      redirected(prefix('/prefix-and-status'), { path: replaced('/replacement-prefix'), statusCode: 301 }),
      redirected(prefix('/full-and-host'), { hostname: 'example.org', path: full('/replacement-full'), statusCode: 301 }),
      redirected(prefix('/strip'), { path: replaced('/') }),
    ),
    asks: {
      'GET /original-prefix/lemon': sends('/replacement-prefix/lemon'),
      'GET /original-prefix': sends('/replacement-prefix'),
      'GET /original-prefix/a?b=c': sends('/replacement-prefix/a?b=c'),
      'GET /full/path/original': sends('/full-path-replacement'),
      'GET /full?x=y': sends('/full-path-replacement?x=y'),
      'GET /prefix-and-host/lemon': sends('http://example.org/replacement-prefix/lemon'),
      'GET /prefix-and-status/lemon': sends('/replacement-prefix/lemon', 301),
      'GET /full-and-host/lemon': sends('http://example.org/replacement-full', 301),
      'GET /strip': sends('/'),
      'GET /strip/x': sends('/x'),
    },
  },
  {
    spec: 'HTTPHeaderFilter, of requests',
    rule: 'set replaces, add appends, remove takes away, whatever the case of the name',
    routes: route(
      rule(prefix('/set'), asks({ set: [{ name: 'X-Header-Set', value: 'set-overwrites-values' }] })),
      rule(prefix('/add'), asks({ add: [{ name: 'X-Header-Add', value: 'add-appends-values' }] })),
      rule(prefix('/remove'), asks({ remove: ['X-Header-Remove'] })),
      rule(
        prefix('/multiple'),
        asks({
          set: [
            { name: 'X-Header-Set-1', value: 'header-set-1' },
            { name: 'X-Header-Set-2', value: 'header-set-2' },
          ],
          add: [
            { name: 'X-Header-Add-1', value: 'header-add-1' },
            { name: 'X-Header-Add-2', value: 'header-add-2' },
          ],
          remove: ['X-Header-Remove-1', 'X-Header-Remove-2'],
        }),
      ),
      rule(
        prefix('/case'),
        asks({
          set: [{ name: 'X-Header-Set', value: 'v' }],
          add: [{ name: 'X-Header-Add', value: 'v' }],
          remove: ['X-Header-Remove'],
        }),
      ),
      {
        matches: [prefix('/of-a-backend')],
        backendRefs: [{ name: 'v2', filters: [asks({ set: [{ name: 'Which', value: 'two' }] })] }],
      },
    ),
    asks: {
      'GET /set': { backend: 'v1', sees: { 'x-header-set': 'set-overwrites-values' } },
      'GET /set | Some-Other: v': { backend: 'v1', sees: { 'x-header-set': 'set-overwrites-values', 'some-other': 'v' } },
      'GET /set | X-Header-Set: some-other-value': { backend: 'v1', sees: { 'x-header-set': 'set-overwrites-values' } },
      'GET /set | X-Header-Set: 1 | X-Header-Set: 2': { backend: 'v1', sees: { 'x-header-set': 'set-overwrites-values' } },
      'GET /add': { backend: 'v1', sees: { 'x-header-add': 'add-appends-values' } },
      'GET /add | X-Header-Add: some-other-value': {
        backend: 'v1',
        sees: { 'x-header-add': 'some-other-value, add-appends-values' },
      },
      'GET /remove | X-Header-Remove: val': { backend: 'v1', sees: { 'x-header-remove': undefined } },
      'GET /remove | X-Header-Remove: 1 | x-header-remove: 2 | Stays: v': {
        backend: 'v1',
        sees: { 'x-header-remove': undefined, stays: 'v' },
      },
      'GET /multiple | X-Header-Set-2: set-val-2 | X-Header-Add-2: add-val-2 | X-Header-Remove-2: v | Another-Header: a': {
        backend: 'v1',
        sees: {
          'x-header-set-1': 'header-set-1',
          'x-header-set-2': 'header-set-2',
          'x-header-add-1': 'header-add-1',
          'x-header-add-2': 'add-val-2, header-add-2',
          'x-header-remove-1': undefined,
          'x-header-remove-2': undefined,
          'another-header': 'a',
        },
      },
      'GET /case | x-header-set: o | x-header-add: o | x-header-remove: o': {
        backend: 'v1',
        sees: { 'x-header-set': 'v', 'x-header-add': 'o, v', 'x-header-remove': undefined },
      },
      'GET /of-a-backend | Which: one': { backend: 'v2', sees: { which: 'two' } },
    },
  },
  {
    spec: 'HTTPHeaderFilter, of replies',
    rule: 'set replaces, add appends, remove takes away, whatever the case of the name',
    routes: route(
      rule(prefix('/set'), replies({ set: [{ name: 'X-Header-Set', value: 'set-overwrites-values' }] })),
      rule(prefix('/add'), replies({ add: [{ name: 'X-Header-Add', value: 'add-appends-values' }] })),
      rule(prefix('/remove'), replies({ remove: ['X-Header-Remove'] })),
      rule(
        prefix('/multiple'),
        replies({
          set: [{ name: 'X-Set', value: 's' }],
          add: [{ name: 'X-Add', value: 'a' }],
          remove: ['X-Remove-1', 'X-Remove-2'],
        }),
        asks({ set: [{ name: 'X-Ask', value: 'asked' }] }),
      ),
      {
        matches: [prefix('/of-a-backend')],
        backendRefs: [{ name: 'v2', filters: [replies({ set: [{ name: 'Which', value: 'two' }] })] }],
      },
    ),
    asks: {
      'GET /set': { backend: 'v1', gets: { 'x-header-set': 'set-overwrites-values' } },
      'GET /set | X-Answer: X-Header-Set=other': { backend: 'v1', gets: { 'x-header-set': 'set-overwrites-values' } },
      'GET /add': { backend: 'v1', gets: { 'x-header-add': 'add-appends-values' } },
      'GET /add | X-Answer: X-Header-Add=other': { backend: 'v1', gets: { 'x-header-add': 'other, add-appends-values' } },
      'GET /remove | X-Answer: X-Header-Remove=v,Stays=v': { backend: 'v1', gets: { 'x-header-remove': undefined, stays: 'v' } },
      'GET /remove | X-Answer: x-header-remove=v': { backend: 'v1', gets: { 'x-header-remove': undefined } },
      'GET /multiple | X-Answer: X-Add=o,X-Remove-1=1,X-Remove-2=2,X-Set=o': {
        backend: 'v1',
        sees: { 'x-ask': 'asked' },
        gets: { 'x-set': 's', 'x-add': 'o, a', 'x-remove-1': undefined, 'x-remove-2': undefined },
      },
      'GET /of-a-backend': { backend: 'v2', gets: { which: 'two' } },
    },
  },
])
