import type { Fields } from '../../support/scripted-origin.ts'
import { at, cc, lives, never, origin, type Row, row, store } from '../row.ts'

const field = '9111 §5.1'
const calculated = '9111 §4.2.3'

export const age: readonly Row[] = [
  row(
    '9111 §4',
    'MUST',
    'what comes from the store has an Age',
    origin(cc('max-age=10'), { gets: { age: null } }),
    store({ gets: { age: '0' } }),
  ),
  row(field, 'MUST', 'Age counts in seconds', origin(cc('max-age=10')), store({ after: 3, gets: { age: '3' } })),
  row(field, 'MUST', 'Age counts whole seconds', origin(cc('max-age=10')), store({ after: 3.9, gets: { age: '3' } })),
  row(
    calculated,
    'MUST',
    'the Age that came is gone on from',
    origin(cc('max-age=100', { age: '30' })),
    store({ after: 5, gets: { age: '35' } }),
  ),
  row(
    calculated,
    'MUST',
    'an older Date is an age',
    origin(cc('max-age=100', { date: at(-20) })),
    store({ after: 5, gets: { age: '25' } }),
  ),
  row(
    calculated,
    'MUST',
    'the higher of Age and the time since Date counts: Age',
    origin(cc('max-age=100', { date: at(-20), age: '40' })),
    store({ gets: { age: '40' } }),
  ),
  row(
    calculated,
    'MUST',
    'the higher of Age and the time since Date counts: Date',
    origin(cc('max-age=100', { date: at(-20), age: '10' })),
    store({ gets: { age: '20' } }),
  ),
  row(
    calculated,
    'MUST',
    'a Date that is to come is no age',
    origin(cc('max-age=100', { date: at(60) })),
    store({ after: 5, gets: { age: '5' } }),
  ),
  lives(calculated, 'MUST', 'what came old dies earlier', cc('max-age=100', { age: '90' }), 10),
  lives(calculated, 'MUST', 'what was made earlier dies earlier', cc('max-age=100', { date: at(-90) }), 10),
  never(calculated, 'MUST', 'what came older than its life is stale', cc('max-age=10', { age: '15' })),
  never(calculated, 'MUST', 'what came as old as its life is stale', cc('max-age=10', { age: '10' })),
  never(calculated, 'MUST', 'age counts against Expires too', { expires: at(10), age: '11' }),
  ...['2147483647', '2147483648', '99999999999'].map((value) =>
    never('9111 §1.2.2', 'MUST', `an Age of ${value} is very old`, cc('max-age=3600', { age: value })),
  ),
  ...(
    [
      ['7200, 0', true],
      ['0, 7200', false],
      ['0, 0', false],
    ] as const
  ).map(([value, isStale]) =>
    (isStale ? never : still)(field, 'SHOULD', `of a list the first counts: ${value}`, cc('max-age=3600', { age: value })),
  ),
  never(field, 'SHOULD', 'of lines the first counts: 7200 and 0', cc('max-age=3600', { age: ['7200', '0'] })),
  still(field, 'SHOULD', 'of lines the first counts: 0 and 7200', cc('max-age=3600', { age: ['0', '7200'] })),
  ...['abc', '-7200', '7200.0', '', '"7200"', '7200;a=b'].map((value) =>
    still(field, 'SHOULD', `an Age that is no number is ignored: ${value || 'nothing'}`, cc('max-age=3600', { age: value })),
  ),
  row(
    calculated,
    'MUST',
    'the time that the answer took counts as age',
    origin(cc('max-age=100', { age: '10' }), { answer: { takes: 7 } }),
    store({ gets: { age: '17' } }),
  ),
  row(
    calculated,
    'MUST',
    'the time that the answer took counts as age, without an Age too',
    origin(cc('max-age=100'), { answer: { takes: 7 } }),
    store({ gets: { age: '7' } }),
  ),
  row(
    '9111 §4',
    'MUST',
    'Date stays what it was',
    origin(cc('max-age=100', { date: at(-3) })),
    store({ after: 5, gets: { date: at(-3) } }),
  ),
  row(
    '9111 §4',
    'MUST',
    'Expires stays what it was',
    origin({ expires: at(50) }),
    store({ after: 5, gets: { expires: at(50) } }),
  ),
  row(
    '9110 §6.6.1',
    'MUST',
    'what came without a Date gets one: when it came',
    origin(cc('max-age=100'), { answer: { hasNoDate: true } }),
    store({ after: 5, gets: { date: at(0), age: '5' } }),
  ),
  row(
    calculated,
    'MUST',
    'without a Date the time since it came counts',
    origin(cc('max-age=10'), { answer: { hasNoDate: true } }),
    store({ after: 9 }),
    origin(undefined, { after: 2 }),
  ),
]

// Not only now: its life must not have been shortened either.
function still(section: string, level: Row['level'], says: string, fields: Fields): Row {
  return row(section, level, says, origin(fields), store({ after: 3_000 }))
}
