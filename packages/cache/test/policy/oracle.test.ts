import { evaluate, storable } from '@gatelet/cache'
import fc from 'fast-check'
import OracleModule from 'http-cache-semantics'
import { expect, test } from 'vitest'
import { httpDate } from '../../src/policy/http-date.ts'
import { at, born, get, policy, reply, times } from './fakes.ts'

/** Where the oracle says something else on purpose of ours, and what the RFC has. */
const differences: readonly { readonly section: string; readonly why: string; readonly holds: (fields: Fields) => boolean }[] = [
  {
    section: 'RFC 9111 §4.2.1',
    why: 'max-age and s-maxage that are no whole numbers count as expired here; the oracle reads the digits that they begin with',
    holds: ({ 'cache-control': cc = '' }) => /(?:max-age|s-maxage)=(?!\d+(?:,|$))/.test(cc),
  },
  {
    section: 'RFC 9110 §5.6.7',
    why: 'dates are read strictly here; the oracle takes whatever Date.parse takes, 0 among them',
    holds: ({ expires = '' }) => expires !== '' && !expires.endsWith('GMT'),
  },
  {
    section: 'RFC 9111 §5.1',
    why: 'an Age that is no whole number is ignored here; the oracle reads the digits that it begins with',
    holds: ({ age = '' }) => !/^\d*$/.test(age),
  },
  {
    section: 'RFC 9111 §4.2.3',
    why: 'a Date before the response came makes it older here; the oracle no longer looks at the date',
    holds: ({ date }) => date !== undefined && Date.parse(date) < born,
  },
  {
    section: 'RFC 8246 §2',
    why: 'immutable does not make a response fresh here, it holds while it is; the oracle gives it a day of its own',
    holds: ({ 'cache-control': cc = '' }) => cc.includes('immutable') && !/(?:^|, )(?:max-age|s-maxage)=/.test(cc),
  },
  {
    section: 'RFC 9111 §5.2.2.8',
    why: 'proxy-revalidate matters once a response is stale here; the oracle takes it to be stale at once',
    holds: ({ 'cache-control': cc = '' }) => cc.includes('proxy-revalidate'),
  },
]

interface Fields {
  readonly [name: string]: string
}

const seconds = fc.integer({ min: 0, max: 200 })
const directive = fc.oneof(
  seconds.map((n) => `max-age=${n}`),
  seconds.map((n) => `s-maxage=${n}`),
  fc.constantFrom('max-age=9x', 's-maxage=1.5', 'public', 'must-revalidate', 'proxy-revalidate', 'immutable', 'foo="max-age=9"'),
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
    },
    { requiredKeys: [] },
  )
  .map(
    (record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== '' && value !== undefined)) as Fields,
  )

class Oracle extends OracleModule {
  // Declared, not set: the oracle asks for the time while it is made.
  declare later: number | undefined
  now(): number {
    return this.later ?? born
  }
}

function oracleIsFresh(response: Fields, now: number): boolean {
  const oracle = new Oracle(
    { url: '/x', method: 'GET', headers: {} },
    { status: 200, headers: { ...response } },
    { shared: true },
  )
  oracle.later = now
  return oracle.storable() && !oracle.stale()
}

function isFresh(response: Fields, now: number): boolean {
  const verdict = storable(get(), reply(response), times, policy())
  return verdict.store && evaluate(get(), [verdict.meta], now, policy()).kind === 'hit'
}

test('a response is fresh for as long as http-cache-semantics has it, but for the differences that are listed', () => {
  fc.assert(
    fc.property(fields, fc.integer({ min: 0, max: 300 }), (response, later) => {
      fc.pre(!differences.some(({ holds }) => holds(response)))
      expect(isFresh(response, at(later))).toBe(oracleIsFresh(response, at(later)))
    }),
    { seed: 9111, numRuns: 3_000 },
  )
})

test('each listed difference is one', () => {
  const unmet = new Set(differences)
  for (const response of fc.sample(fields, { seed: 9111, numRuns: 3_000 })) {
    const why = differences.filter(({ holds }) => holds(response))
    for (const later of [0, 30, 100]) {
      if (why.length === 1 && why[0] && isFresh(response, at(later)) !== oracleIsFresh(response, at(later))) unmet.delete(why[0])
    }
  }
  expect([...unmet].map(({ section }) => section)).toEqual([])
})
