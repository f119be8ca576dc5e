import { cachePolicy } from '@gatelet/cache'
import type { Subject } from './subjects.ts'

/** The options of `@gatelet/cache`. */
export const cacheSubjects: Readonly<Record<string, Subject>> = {
  PolicyOptions: {
    through: cachePolicy,
    bad: {
      mode: 'public',
      name: 'é',
      targets: ['cdn cache control'],
      defaults: 60,
      heuristic: true,
      requestDirectives: 'yes',
      setCookie: 'store',
      cookies: 'strip',
      partitioned: 'principal',
      keepMs: -1,
      query: ['utm_source'],
      noVarySearch: 1,
    },
  },
  PolicyDefaults: {
    through: (defaults) => cachePolicy({ defaults }),
    at: 'defaults',
    bad: { freshMs: -1, staleWhileRevalidateMs: '1m', staleIfErrorMs: Number.NaN },
  },
  HeuristicOptions: {
    through: (heuristic) => cachePolicy({ heuristic }),
    at: 'heuristic',
    bad: { fraction: 1.1, maxMs: -1 },
  },
  QueryOptions: {
    through: (query) => cachePolicy({ query }),
    at: 'query',
    bad: { sort: 'names', ignore: 'utm_source', only: [''] },
  },
}
