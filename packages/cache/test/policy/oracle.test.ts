import { evaluate, storable } from '@gatelet/cache'
import fc from 'fast-check'
import OracleModule from 'http-cache-semantics'
import { expect, test } from 'vitest'
import { httpDate } from '../../src/policy/http-date.ts'
import { at, born, get, policy, reply, times } from './fakes.ts'

interface Response {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
}

interface Difference {
  readonly section: string
  /** What the oracle (4.3.0) does, and what we do. */
  readonly why: string
  readonly holds: (response: Response) => boolean
}

const cacheControl = ({ fields }: Response): string => fields['cache-control'] ?? ''

/** Where the oracle says something else on purpose of ours, and what the RFC has. */
const differences: readonly Difference[] = [
  {
    section: 'RFC 9111 §4.2.1',
    why: 'max-age and s-maxage that are no whole numbers count as expired here; the oracle reads them by parseInt',
    holds: (response) => /(?:^|, )(?:max-age|s-maxage)=(?!\d+(?:,|$))/.test(cacheControl(response)),
  },
  {
    section: 'RFC 9110 §5.6.7',
    why: 'dates are read strictly here; the oracle takes what Date.parse takes, to which 0 is the year 2000',
    holds: ({ fields: { expires = '' } }) => expires !== '' && !expires.endsWith('GMT'),
  },
  {
    section: 'RFC 9111 §5.1',
    why: 'an Age that is no whole number is ignored here; the oracle reads it by parseInt, so that -5 makes younger',
    holds: ({ fields: { age = '' } }) => !/^\d*$/.test(age),
  },
  {
    section: 'RFC 9111 §4.2.3',
    why: 'a Date before the response came makes it older here; to the oracle it is as old as its Age, and Date only measures Expires and Last-Modified',
    holds: ({ fields: { date } }) => date !== undefined && Date.parse(date) < born,
  },
  {
    section: 'RFC 8246 §2',
    why: 'immutable makes nothing fresh here, it holds while a response is; the oracle makes of it 86,400,000 seconds where neither max-age nor s-maxage is there, and of a response with Set-Cookie one that may be reused',
    holds: (response) => /(?:^|, )immutable/.test(cacheControl(response)),
  },
  {
    section: 'RFC 9111 §5.2.2.8',
    why: 'proxy-revalidate matters once a response is stale here; to the oracle it never is fresh',
    holds: (response) => cacheControl(response).includes('proxy-revalidate'),
  },
  {
    section: 'RFC 9111 §3',
    why: 'a final status that is not known, or that tells of the moment, may be stored where it says for how long; the oracle stores those alone that it has in a list',
    holds: ({ status }) => status === 299 || status >= 500,
  },
  {
    section: 'RFC 9111 §7.3',
    why: 'a response with Set-Cookie is not stored here; the oracle reuses it with public',
    holds: (response) => response.fields['set-cookie'] !== undefined && cacheControl(response).includes('public'),
  },
]

const seconds = fc.integer({ min: 0, max: 200 })
const directive = fc.oneof(
  seconds.map((n) => `max-age=${n}`),
  seconds.map((n) => `s-maxage=${n}`),
  fc.constantFrom('max-age=9x', 's-maxage=1.5', 'foo="max-age=9"', 'public', 'must-revalidate', 'proxy-revalidate'),
  fc.constantFrom('immutable', 'no-cache', 'no-store', 'private', 'foo'),
)
const date = fc.integer({ min: -200, max: 200 }).map((n) => httpDate(at(n)))
const fields = fc
  .record(
    {
      'cache-control': fc
        .uniqueArray(directive, { selector: (text) => text.split('=')[0], maxLength: 4 })
        .map((all) => all.join(', ')),
      expires: fc.oneof(
        date,
        date.map((text) => text.replace('GMT', 'UTC')),
        fc.constant('0'),
      ),
      date,
      age: fc.oneof(seconds.map(String), fc.constantFrom('-5', '3.5', 'x')),
      'last-modified': date,
      'set-cookie': fc.constantFrom('', '', '', 'a=b'),
    },
    { requiredKeys: [] },
  )
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== '' && value !== undefined)))
const response: fc.Arbitrary<Response> = fc.record({
  status: fc.constantFrom(200, 200, 200, 203, 204, 299, 302, 404, 410, 503),
  fields,
})

class Oracle extends OracleModule {
  // Declared, not set: the oracle asks for the time while it is made.
  declare later: number | undefined
  now(): number {
    return this.later ?? born
  }
}

function oracleIsFresh({ status, fields }: Response, now: number): boolean {
  const oracle = new Oracle({ url: '/x', method: 'GET', headers: {} }, { status, headers: { ...fields } }, { shared: true })
  oracle.later = now
  return oracle.storable() && !oracle.stale()
}

function isFresh({ status, fields }: Response, now: number): boolean {
  const verdict = storable(get(), reply(fields, status), times, policy())
  return verdict.store && evaluate(get(), [verdict.meta], now, policy()).kind === 'hit'
}

test('a response is fresh for as long as http-cache-semantics has it, but for the differences that are listed', () => {
  fc.assert(
    fc.property(response, fc.integer({ min: 0, max: 300 }), (response, later) => {
      fc.pre(!differences.some(({ holds }) => holds(response)))
      expect(isFresh(response, at(later))).toBe(oracleIsFresh(response, at(later)))
    }),
    { seed: 9111, numRuns: 2_000 },
  )
})

test('each listed difference is one', () => {
  const unmet = new Set(differences)
  for (const sample of fc.sample(response, { seed: 9111, numRuns: 3_000 })) {
    const why = differences.filter(({ holds }) => holds(sample))
    for (const later of [0, 30, 100]) {
      if (why.length === 1 && why[0] && isFresh(sample, at(later)) !== oracleIsFresh(sample, at(later))) unmet.delete(why[0])
    }
  }
  expect([...unmet].map(({ section }) => section)).toEqual([])
})
