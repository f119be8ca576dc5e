import { at, cc, lives, never, origin, type Row, reused, row, store, under, validated } from '../row.ts'

const which = '9213 §2.2'
const written = '9213 §2.1'
const cdn = (value: string | readonly string[], fields = {}) => ({ 'cdn-cache-control': value, ...fields })

export const targeted: readonly Row[] = [
  lives(which, 'MUST', 'the field for us tells how long', cdn('max-age=10'), 10),
  lives(which, 'MUST', 'it wins over a longer Cache-Control', cdn('max-age=10', cc('max-age=100')), 10),
  lives(which, 'MUST', 'it wins over a shorter Cache-Control', cdn('max-age=100', cc('max-age=10')), 100),
  lives(which, 'MUST', 'it wins over an Expires that is past', cdn('max-age=10', { expires: at(-10) }), 10),
  lives(which, 'MUST', 'it wins over an Expires that is no date', cdn('max-age=10', { expires: '0' }), 10),
  lives(which, 'MUST', 'it wins over no-store', cdn('max-age=10', cc('no-store')), 10),
  lives(which, 'MUST', 'it wins over private', cdn('max-age=10', cc('private')), 10),
  never(which, 'MUST', 'its no-store wins over max-age', cdn('no-store', cc('max-age=60', { expires: at(60) }))),
  never(which, 'MUST', 'its private wins over max-age', cdn('private', cc('max-age=60', { expires: at(60) }))),
  never(which, 'MUST', 'its no-cache wins over max-age', cdn('no-cache', cc('max-age=60', { expires: at(60) }))),
  never(which, 'MUST', 'its max-age=0 wins over Expires', cdn('max-age=0', { expires: at(60) })),
  never(which, 'MUST', 'age counts against it', cdn('max-age=60', { age: '61' })),
  lives(which, 'MUST', 's-maxage in it wins over max-age in it', cdn('max-age=100, s-maxage=10'), 10),
  lives('9111 §1.2.2', 'MUST', 'a number of many digits', cdn('max-age=99999999999'), 2 ** 31),
  lives(written, 'MUST', 'what is not known in it says nothing', cdn('sparkling, max-age=10'), 10),
  lives(written, 'MUST', 'of two the last holds, as in a Dictionary', cdn('max-age=100, max-age=10'), 10),
  lives(written, 'MUST', 'lines are one Dictionary', cdn(['a', 'max-age=10']), 10),
  lives(written, 'MUST', 'parameters say nothing', cdn('max-age=10;a=b'), 10),
  lives(written, 'MUST', 'what is no Dictionary is ignored', cdn('max-age=100, &&&', cc('max-age=10')), 10),
  lives(written, 'MUST', 'an empty one is ignored', cdn('', cc('max-age=10')), 10),
  lives(written, 'MUST', 'names in capitals are no Dictionary', cdn('Max-Age=100', cc('max-age=10')), 10),
  lives(written, 'MUST', 'no space may stand beside =', cdn('max-age =100', cc('max-age=10')), 10),
  never(written, 'SHOULD', 'a number in quotes is none', cdn('max-age="100"', cc('no-store'))),
  reused(which, 'MAY', 'no-store=?0 says nothing', cdn('no-store=?0, max-age=60')),
  row(which, 'MAY', 'it is sent on', origin(cdn('max-age=60')), store({ gets: { 'cdn-cache-control': 'max-age=60' } })),
  row('5861 §4', 'MAY', 'stale-if-error in it', origin(cdn('max-age=5, stale-if-error=20')), {
    from: 'rescued',
    after: 10,
    answer: { status: 503 },
  }),
  row(
    which,
    'MUST',
    'the one that a 304 brings holds',
    origin(cc('max-age=5', { etag: '"1"' })),
    validated(cdn('max-age=60'), { after: 10 }),
    store({ after: 50 }),
  ),
  ...under(
    { targets: ['gatelet-cache-control', 'cdn-cache-control'] },
    lives(
      which,
      'MUST',
      'the first of those that are ours',
      { 'gatelet-cache-control': 'max-age=10', ...cdn('max-age=100') },
      10,
    ),
    lives(which, 'MUST', 'the second where the first is not there', cdn('max-age=10'), 10),
    lives(which, 'MUST', 'the second where the first is none', { 'gatelet-cache-control': '&', ...cdn('max-age=10') }, 10),
  ),
  ...under({ targets: [] }, never(which, 'MUST', 'what is not for us is nothing to us', cdn('max-age=60'))),
  ...under({ mode: 'private' }, never(which, 'MUST', 'a private cache is no CDN', cdn('max-age=60'))),
]
