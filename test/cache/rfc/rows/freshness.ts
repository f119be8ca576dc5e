import { at, cc, lives, never, origin, type Row, reused, row, store, under } from '../row.ts'

const maxAge = '9111 §5.2.2.1'
const sMaxAge = '9111 §5.2.2.10'
const expires = '9111 §5.3'
const lifetime = '9111 §4.2.1'
const guess = '9111 §4.2.2'
const parsing = '9111 §5.2'
const seconds = '9111 §1.2.2'

export const freshness: readonly Row[] = [
  never('9111 §4.2.2', 'ours', 'what says nothing about its life is not reused', {}),
  lives(maxAge, 'MUST', 'max-age counts in seconds', cc('max-age=10'), 10),
  lives(maxAge, 'MUST', 'max-age may be a day', cc('max-age=86400'), 86_400),
  never(maxAge, 'MUST', 'max-age=0 is stale when it comes', cc('max-age=0')),
  lives(sMaxAge, 'MUST', 's-maxage is for shared caches', cc('s-maxage=10'), 10),
  lives(sMaxAge, 'MUST', 's-maxage wins over a longer max-age', cc('max-age=100, s-maxage=10'), 10),
  lives(sMaxAge, 'MUST', 's-maxage wins over a shorter max-age', cc('s-maxage=100, max-age=10'), 100),
  lives(sMaxAge, 'MUST', 's-maxage on a line of its own wins too', { 'cache-control': ['max-age=100', 's-maxage=10'] }, 10),
  lives(sMaxAge, 'MUST', 's-maxage wins over Expires', cc('s-maxage=10', { expires: at(100) }), 10),
  never(sMaxAge, 'MUST', 's-maxage=0 wins over a long max-age', cc('max-age=100, s-maxage=0')),
  ...under(
    { mode: 'private' },
    lives(sMaxAge, 'MUST', 's-maxage says nothing to a private cache', cc('max-age=10, s-maxage=100'), 10),
    never(sMaxAge, 'MUST', 's-maxage alone says nothing to a private cache', cc('s-maxage=100')),
  ),
  lives(expires, 'MUST', 'Expires counts from Date', { expires: at(10) }, 10),
  lives(lifetime, 'MUST', 'Expires counts from the Date of the origin, not from ours', { date: at(-5), expires: at(10) }, 10),
  lives(lifetime, 'MUST', 'max-age wins over an Expires that is past', cc('max-age=10', { expires: at(-100) }), 10),
  lives(lifetime, 'MUST', 'max-age wins over a later Expires', cc('max-age=10', { expires: at(100) }), 10),
  lives(lifetime, 'MUST', 'max-age wins over an Expires that is no date', cc('max-age=10', { expires: '0' }), 10),
  never(lifetime, 'MUST', 'max-age=0 wins over an Expires to come', cc('max-age=0', { expires: at(100) })),
  never(expires, 'MUST', 'an Expires of 0 is past', { expires: '0' }),
  never(expires, 'MUST', 'an Expires of -1 is past', { expires: '-1' }),
  never(expires, 'MUST', 'an empty Expires is past', { expires: '' }),
  never(expires, 'MUST', 'an Expires that is no date is past', { expires: 'tomorrow' }),
  never(expires, 'MUST', 'an Expires before Date is past', { expires: at(-1) }),
  never(expires, 'MUST', 'an Expires that is Date is past', { date: at(0), expires: at(0) }),
  never(expires, 'MUST', 'an Expires that cannot be read is past, also where the last change would do', {
    ...{ expires: 'never', 'last-modified': at(-100_000) },
  }),
  lives(expires, 'ours', 'of two Expires the first holds', { expires: [at(10), at(100)] }, 10),
  reused('9110 §5.6.7', 'MUST', 'a date may be written as RFC 850 did', { expires: 'Thursday, 18-Aug-50 02:01:18 GMT' }),
  reused('9110 §5.6.7', 'MUST', 'a date may be written as asctime does', { expires: 'Thu Aug 18 02:01:18 2050' }),
  reused('9110 §5.6.7', 'MUST', 'a date is read as IMF-fixdate', { expires: 'Thu, 18 Aug 2050 02:01:18 GMT' }),
  reused('9110 §5.6.7', 'MUST', 'years beyond 2038 are years', { expires: 'Tue, 19 Jan 2038 14:14:08 GMT' }),
  ...[
    'Thu, 18 Aug 2050 02:01:18 AEST',
    'Thu, 18 Aug 2050 02.01.18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 31 Feb 2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 25:01:18 GMT',
    '2050-08-18T02:01:18Z',
    '2541000000',
  ].map((date) => never('9110 §5.6.7', 'ours', `what is no HTTP date is past: ${date}`, { expires: date })),

  lives(guess, 'MAY', 'a tenth of the time since the last change', { 'last-modified': at(-100_000) }, 10_000),
  lives(guess, 'SHOULD', 'a guess is a day at most', { 'last-modified': at(-100 * 86_400) }, 86_400),
  never(guess, 'ours', 'a change that is to come guesses nothing', { 'last-modified': at(100_000) }),
  ...under(
    { heuristic: false },
    never(guess, 'MAY', 'guessing can be switched off', { 'last-modified': 'Sun, 01 Jan 2023 00:00:00 GMT' }),
  ).map(
    ({ steps: [first, second], ...rest }): Row => ({
      ...rest,
      steps: [first as never, { ...second, from: 'validated', answer: { status: 304 } }],
    }),
  ),
  ...under(
    { heuristic: { fraction: 0.5, maxMs: 60_000 } },
    lives(guess, 'MAY', 'the part is an option', { 'last-modified': at(-100) }, 50),
    lives(guess, 'MAY', 'the most is an option', { 'last-modified': at(-100_000) }, 60),
  ),
  lives(guess, 'MUST', 'no guess where the life is told', cc('max-age=10', { 'last-modified': 'x' }), 10),
  ...under({ defaults: { freshMs: 30_000 } }, lives(guess, 'ours', 'a default for what says nothing', {}, 30)),
  ...under({ defaults: { freshMs: 30_000 } }, never(guess, 'MUST', 'no default where a life of 0 is told', cc('max-age=0'))),
  ...[200, 203, 300, 301, 308, 404, 405, 410, 414, 501].map((status) =>
    reused('9110 §15.1', 'MAY', `a ${status} may be guessed at`, { 'last-modified': at(-100_000) }, { answer: { status } }),
  ),
  reused('9110 §15.1', 'MAY', 'a 204 may be guessed at', { 'last-modified': at(-100_000) }, { answer: { status: 204 } }),
  ...[201, 202, 302, 303, 307, 403, 500, 502, 503, 504, 599].map((status) =>
    never('9110 §15.1', 'MUST', `a ${status} is not guessed at`, { 'last-modified': at(-100_000) }, { answer: { status } }),
  ),
  ...[299, 302, 500, 503, 599].map((status) =>
    reused('9111 §5.2.2.9', 'MAY', `public lets a ${status} be guessed at`, cc('public', { 'last-modified': at(-100_000) }), {
      answer: { status },
    }),
  ),

  lives(seconds, 'MUST', 'a number beyond 31 bits is 31 bits', cc('max-age=99999999999999999999'), 2 ** 31),
  lives(seconds, 'MUST', 'the number 2^31 is itself', cc('max-age=2147483648'), 2 ** 31),
  lives(parsing, 'MUST', 'names are read in any case', cc('MaX-aGe=10'), 10),
  lives(parsing, 'SHOULD', 'a value may be quoted', cc('max-age="10"'), 10),
  lives(parsing, 'MUST', 'what is not known says nothing', cc('colour=blue, max-age=10, sparkling'), 10),
  lives(parsing, 'MUST', 'lines are one list', { 'cache-control': ['sparkling', 'max-age=10'] }, 10),
  lives(parsing, 'MUST', 'empty members say nothing', cc(',, max-age=10 ,,'), 10),
  lives(parsing, 'MUST', 'zeros may lead', cc('max-age=0010'), 10),
  lives(parsing, 'MUST', 'what stands in quotes is no directive', cc('a="max-age=100", max-age=10'), 10),
  lives(parsing, 'MUST', 'what stands in quotes behind is no directive', cc('max-age=10, a="max-age=100"'), 10),
  lives(parsing, 'MUST', 'what stands in quotes and commas is no directive', cc('a="x, max-age=100, y", max-age=10'), 10),
  lives(parsing, 'MUST', 'an escaped quote does not end a text', cc('a="\\", max-age=100, \\"", max-age=10'), 10),
  lives(parsing, 'MUST', 'no-store in quotes is none', cc('a="no-store", max-age=10'), 10),
  lives(lifetime, 'SHOULD', 'of two the first holds', cc('max-age=10, max-age=100'), 10),
  lives(lifetime, 'SHOULD', 'of two lines the first holds', { 'cache-control': ['max-age=10', 'max-age=100'] }, 10),
  ...['-1', 'ten', '10a', 'a10', '1.5', '', "'10'", '1 0', '0x10', '1e3'].map((value) =>
    never(lifetime, 'SHOULD', `a max-age that is no number is past: ${value || 'nothing'}`, cc(`max-age=${value}`)),
  ),
  never(lifetime, 'SHOULD', 'a max-age without a value is past', cc('max-age')),
  never(parsing, 'ours', 'no space may stand before =', cc('max-age =100')),
  never(parsing, 'ours', 'no space may stand behind =', cc('max-age= 100')),
  row(
    '9111 §4.2',
    'MUST',
    'it is fresh until its age is its life, and not longer',
    origin(cc('max-age=10')),
    store({ after: 9.9 }),
    origin(undefined, { after: 0.1 }),
  ),
]
