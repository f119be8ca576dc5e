import { type Context, type PathOptions, text } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

// Paths that parts of a gateway could read differently. What the route saw and what a proxy would send must be one.
const sees = (route: string) => (ctx: Context<{ params: object }>) =>
  text(`${route} ${JSON.stringify(ctx.state.params)} ${ctx.request.url.path}`)
const router = createRouter()
  .get('/admin', sees('admin'))
  .get('/api/:item', sees('item'))
  .mount('/api/admin', sees('api admin'))
  .mount('/files/*rest', sees('files'))

interface Row {
  readonly url: string
  /** Route, params, path to send; or a status. */
  readonly means: string | number
  readonly paths?: PathOptions
}

const rows: Row[] = [
  { url: '/api/../admin', means: 'admin {} /admin' },
  { url: '/api/%2e%2e/admin', means: 'admin {} /admin' },
  { url: '/api/.%2E/admin', means: 'admin {} /admin' },
  { url: '/./admin', means: 'admin {} /admin' },
  { url: '/files/../../admin', means: 'admin {} /admin' },
  { url: '/api/%252e%252e/admin', means: 404 },
  { url: '/api/%252e%252e', means: 'item {"item":"%2e%2e"} /api/%252e%252e' },
  { url: '//admin', means: 400 },
  { url: '/api//admin', means: 400 },
  { url: '//admin', means: 404, paths: { doubleSlash: true } },
  { url: '/api//admin', means: 404, paths: { doubleSlash: true } },
  { url: '/admin;x=1', means: 404 },
  { url: '/api/x;y=1', means: 'item {"item":"x;y=1"} /api/x;y=1' },
  { url: '/api/..;/admin', means: 400 },
  { url: '/api\\admin', means: 400 },
  { url: '/api/..%5cadmin', means: 400 },
  { url: '/api/x%5cy', means: 'item {"item":"x\\\\y"} /api/x%5Cy', paths: { encodedBackslash: true } },
  { url: '/api%2fadmin', means: 400 },
  { url: '/api%2fadmin', means: 404, paths: { encodedSlash: true } },
  { url: '/api/x%2fadmin', means: 'item {"item":"x/admin"} /api/x%2Fadmin', paths: { encodedSlash: true } },
  { url: '/files/x%2fy/z', means: 'files {"rest":"x%2Fy/z"} /files/x%2Fy/z', paths: { encodedSlash: true } },
  { url: '/files/x%2f..%2f..%2fetc', means: 400, paths: { encodedSlash: true } },
  { url: '/api/x%3fy%23z', means: 'item {"item":"x?y#z"} /api/x%3Fy%23z' },
  { url: '/%61pi/x', means: 'item {"item":"x"} /api/x' },
  { url: '/api/%61dmin', means: 'api admin {} /api/admin' },
  { url: '/%61%64min', means: 'admin {} /admin' },
  { url: '/api/x#frag', means: 400 },
  { url: '/api/%00', means: 400 },
  { url: '/api/%0d%0a', means: 400 },
  { url: '/api/%zz', means: 400 },
  { url: '/api/%c0%af', means: 400 },
  { url: '/api/%ff', means: 400 },
  { url: '/files/a/%e9', means: 400 },
  { url: '/api/é', means: 400 },
  { url: '/ADMIN', means: 404 },
  { url: '/api/ADMIN', means: 'item {"item":"ADMIN"} /api/ADMIN' },
  { url: '/admin/', means: 404 },
  { url: '/api/admin/', means: 'api admin {} /api/admin/' },
  { url: '/api/adminx', means: 'item {"item":"adminx"} /api/adminx' },
  { url: '/apix/admin', means: 404 },
  { url: '/filesx', means: 404 },
]

describe.each(['request', 'upgrade'] as const)('as %s', (kind) => {
  test.each(rows)('$url ($paths) is $means', async ({ url, means, paths }) => {
    const asked = call(router, { url, kind, ...(paths && { paths }) }).then(async (reply) =>
      reply.status === 200 ? await reply.text() : reply.status,
    )
    // `call` throws for what the edge refuses.
    expect(await asked.catch((error) => error.status)).toBe(means)
  })
})
