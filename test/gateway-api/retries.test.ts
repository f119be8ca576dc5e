import type { HttpRoute, Retry } from './http-route.ts'
import { play } from './rows.ts'

// HTTPRouteRule.retry (GEP-1731). Where ours is another, since the specification leaves it open or asks for more:
// - only idempotent methods are asked again after an answer; a POST only when nothing of it was sent;
// - `backoff` is the most that is waited, drawn by chance, not the least; before the first retry nothing is waited;
// - after a failure without an answer another server is asked, never the same one;
// - `Retry-After` of an answer is kept to, and one beyond a second ends the attempts;
// - a budget bounds retries (20 % of the requests), which this suite turns off.

const retried = (value: string, retry?: Retry, name = 'v1') => ({
  matches: [{ path: { value } }],
  backendRefs: [{ name }],
  ...(retry && { retry }),
})
const routes: HttpRoute[] = [
  {
    rules: [
      retried('/plain'),
      retried('/default', { codes: [500] }),
      retried('/one', { codes: [500], attempts: 1, backoff: '1ms' }),
      retried('/three', { codes: [500, 502, 503, 504], attempts: 3, backoff: '1ms' }),
      retried('/none', { codes: [500], attempts: 0 }),
      retried('/throttled', { codes: [429], attempts: 2, backoff: '1ms' }),
      retried('/without-codes', { attempts: 3 }),
      retried('/half', { attempts: 1 }, 'half'),
      retried('/down', { codes: [503], attempts: 3 }, 'down'),
    ],
  },
]
const failed = (status: number, attempt: number) => ({ status, backend: 'v1', attempt })
const answered = (attempt: number) => ({ backend: 'v1', attempt })

play([
  {
    spec: 'HTTPRouteRetry.codes',
    rule: 'an answer with one of the codes is asked for again, no other',
    routes,
    asks: {
      'GET /three?fail=1&status=500': answered(2),
      'GET /three?fail=1&status=502': answered(2),
      'GET /three?fail=1&status=503': answered(2),
      'GET /three?fail=1&status=504': answered(2),
      'GET /three?fail=1&status=501': failed(501, 1),
      'GET /three?fail=1&status=429': failed(429, 1),
      'GET /three?fail=1&status=404': failed(404, 1),
      'GET /throttled?fail=1&status=429': answered(2),
      'GET /throttled?fail=1&status=500': failed(500, 1),
      'GET /without-codes?fail=1&status=500': failed(500, 1),
      'GET /plain?fail=1&status=500': failed(500, 1),
      'GET /three': answered(1),
    },
  },
  {
    spec: 'HTTPRouteRetry.attempts',
    rule: 'so often after the first; then the last answer is the client’s',
    routes,
    asks: {
      'GET /one?fail=1&status=500': answered(2),
      'GET /one?fail=2&status=500': failed(500, 2),
      'GET /three?fail=3&status=500': answered(4),
      'GET /three?fail=4&status=503': failed(503, 4),
      'GET /none?fail=1&status=500': failed(500, 1),
      'GET /default?fail=2&status=500': answered(3),
      'GET /default?fail=3&status=500': failed(500, 3),
      'GET /down': 503,
    },
  },
  {
    spec: 'HTTPRouteRetry, methods',
    rule: 'what may not be done twice is not asked again after an answer',
    routes,
    asks: {
      'PUT /three?fail=1&status=500': answered(2),
      'DELETE /three?fail=1&status=500': answered(2),
      'OPTIONS /three?fail=1&status=500': answered(2),
      'POST /three?fail=1&status=500': failed(500, 1),
      'PATCH /three?fail=1&status=500': failed(500, 1),
    },
  },
  {
    spec: 'HTTPRouteRetry, connection errors',
    rule: 'where a server cannot be reached, another one of the backend is asked, whatever the method',
    routes,
    asks: {
      'GET /half/1': 'v2',
      'POST /half/2': 'v2',
      'GET /half/3': 'v2',
    },
  },
  {
    spec: 'HTTPRouteRetry, Retry-After',
    rule: 'an answer that asks for more time than a second is the client’s',
    routes,
    asks: {
      'GET /three?fail=1&status=503 | X-Answer: Retry-After=0': answered(2),
      'GET /three?fail=1&status=500 | X-Answer: Retry-After=60': { ...failed(500, 1), gets: { 'retry-after': '60' } },
    },
  },
])
