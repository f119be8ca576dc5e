import { auth, cache, chain, createRouter, json, jwt, type Middleware, memoryCacheStore, rateLimit, scope } from 'gatelet'
import { expect, expectTypeOf, test } from 'vitest'

const verify = jwt({ issuer: 'https://id.example.com/', audience: 'https://api.example.com', algorithms: ['RS256'] })

test('a cache for each principal stands behind auth, and nowhere else', () => {
  const api = chain()
    .use(rateLimit({ limit: 50, per: '1s', burst: 100 }))
    .use(auth(verify, { require: scope('read') }))
    .use(rateLimit({ limit: 5000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
    .use(cache({ per: 'principal' }))
  createRouter().mount(
    '/users/*rest',
    api.to((ctx) => json({ you: ctx.state.principal.subject })),
  )
  // @ts-expect-error no layer in front has found out who asks
  expect(chain().use(cache({ per: 'principal' }))).toBeDefined()
})

test('a cache for all stands anywhere, and its functions see the state that is there', () => {
  expectTypeOf(cache()).toExtend<Middleware>()
  expectTypeOf(cache({ store: memoryCacheStore({ maxBytes: 1_000_000 }) })).toExtend<Middleware>()
  const tenants = chain<{ tenant: string }>().use(
    cache({ per: (ctx) => ctx.state.tenant, bypass: (ctx) => ctx.state.tenant === 'a' }),
  )
  expectTypeOf(cache().stats().hits).toBeNumber()
  expect(tenants).toBeDefined()
})
