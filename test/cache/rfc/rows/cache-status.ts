import { cc, nobody, origin, type Row, refreshed, rescued, row, store, under, validated } from '../row.ts'

const rule = '9211 §2'
const says = (value: string | RegExp) => ({ gets: { 'cache-status': value } })

export const cacheStatus: readonly Row[] = [
  row(
    '9211 §2.1',
    'SHOULD',
    'a hit, and how long it lives',
    origin(cc('max-age=60')),
    store({ after: 10, ...says('gatelet; hit; ttl=50') }),
  ),
  row(
    '9211 §2.2',
    'SHOULD',
    'nothing was stored',
    origin(cc('max-age=60'), says(/^gatelet; fwd=uri-miss; (fwd-status=200; )?stored$/)),
  ),
  row(
    '9211 §2.2',
    'SHOULD',
    'another variant was stored',
    origin(cc('max-age=60', { vary: 'a' }), { headers: { a: '1' } }),
    origin(undefined, { headers: { a: '2' }, ...says(/fwd=vary-miss/) }),
  ),
  row(
    '9211 §2.2',
    'SHOULD',
    'what was stored is stale',
    origin(cc('max-age=5, stale-if-error=60')),
    origin(undefined, { after: 6, ...says(/fwd=stale/) }),
  ),
  row(
    '9211 §2.3',
    'SHOULD',
    'what was stored held',
    origin(cc('max-age=5', { etag: '"1"' })),
    validated(cc('max-age=60'), { after: 6, ...says(/^gatelet; fwd=stale; fwd-status=304/) }),
  ),
  row('9211 §2.2', 'SHOULD', 'another method', origin(cc('max-age=60'), { method: 'POST', body: 'x', ...says(/fwd=method/) })),
  row(
    '9211 §2.2',
    'SHOULD',
    'stale, and asked about afterwards',
    origin(cc('max-age=5, stale-while-revalidate=60')),
    refreshed(cc('max-age=60'), { after: 10, ...says('gatelet; hit; ttl=-5') }),
  ),
  row(
    '9211 §2.2',
    'SHOULD',
    'in place of an error',
    origin(cc('max-age=5, stale-if-error=60')),
    rescued(503, { after: 10, ...says(/^gatelet; (hit; ttl=-5|fwd=stale; fwd-status=503)/) }),
  ),
  row('9211 §2.8', 'ours', 'why it is not stored: no-store', origin(cc('no-store'), says(/^(?!.*stored).*detail=no-store/))),
  row('9211 §2.8', 'ours', 'why it is not stored: private', origin(cc('private'), says(/detail=private/))),
  row(
    '9211 §2.8',
    'ours',
    'why it is not stored: a cookie is set',
    origin(cc('max-age=60', { 'set-cookie': 'a=b' }), says(/detail=set-cookie/)),
  ),
  row('9211 §2.8', 'ours', 'why it is not stored: nothing is said', origin({}, says(/detail=no-freshness/))),
  row(
    '9211 §2.8',
    'ours',
    'why it is not stored: credentials',
    origin(cc('max-age=60'), { headers: { authorization: 'Bearer a' }, ...says(/detail=authorization/) }),
  ),
  row(
    '9211 §2.8',
    'ours',
    'why it is not stored: a cookie was sent',
    origin(cc('max-age=60'), { headers: { cookie: 'a=b' }, ...says(/detail=cookie/) }),
  ),
  row(
    '9211 §2.8',
    'ours',
    'why it is not stored: its status',
    origin(cc('max-age=60'), { answer: { status: 403 }, ...says(/detail=status/) }),
  ),
  row(
    '9211 §2.8',
    'ours',
    'why it is not stored: it varies by all',
    origin(cc('max-age=60', { vary: '*' }), says(/detail=vary/)),
  ),
  row('9211 §2.2', 'SHOULD', 'a body', origin(cc('max-age=60'), { body: 'x', ...says(/fwd=bypass; .*detail=request-body/) })),
  row(
    '9211 §2.2',
    'SHOULD',
    'conditions that only the origin can tell of',
    origin(cc('max-age=60')),
    origin(undefined, { headers: { 'if-match': '"1"' }, ...says(/fwd=bypass; .*detail=precondition/) }),
  ),
  row(
    rule,
    'MUST',
    'ours is the last of a list, nearest to the client',
    origin(cc('max-age=60', { 'cache-status': 'origin; hit' }), says(/^origin; hit, gatelet; fwd/)),
    store(says(/^origin; hit, gatelet; hit/)),
  ),
  row(
    rule,
    'MUST',
    'what we said when it was stored is not said again',
    origin(cc('max-age=60')),
    store(says(/^gatelet; hit; ttl=60$/)),
  ),
  row(
    rule,
    'SHOULD',
    'nothing to answer with',
    nobody({ headers: cc('only-if-cached'), ...says('gatelet; detail=only-if-cached') }),
  ),
  ...under({ name: 'edge' }, row(rule, 'MAY', 'a name of its own', origin(cc('max-age=60')), store(says(/^edge; hit/)))),
  ...under(
    { name: 'edge 1' },
    row(rule, 'MUST', 'a name that is no token is quoted', origin(cc('max-age=60')), store(says(/^"edge 1"; hit/))),
  ),
  ...under(
    { requestDirectives: true },
    row(
      '9211 §2.2',
      'SHOULD',
      'the client wanted it new',
      origin(cc('max-age=60', { etag: '"1"' })),
      validated({}, { headers: cc('no-cache'), ...says(/fwd=request/) }),
    ),
  ),
]
