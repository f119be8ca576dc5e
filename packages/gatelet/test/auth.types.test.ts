import { auth, chain, createGateway, json, jwt, rateLimit, type StateOf, scope } from 'gatelet'
import { apiKey, firstOf, identity, memoryApiKeys, type Principal, predicate } from 'gatelet/auth'
import type { StandardSchema } from 'gatelet/core'
import { expectTypeOf, test } from 'vitest'

const trusted = { issuer: 'https://id.example.com/', audience: 'api', algorithms: ['RS256'] } as const

const claims: StandardSchema<{ tenant: string; seats: string }, { tenant: string; seats: number }> = {
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'none' }] }) },
}

test('a limit for each user stands behind auth; in front of it, it does not compile', () => {
  chain()
    .use(auth(jwt(trusted), { require: scope('read') }))
    .use(rateLimit({ limit: 5000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
  // @ts-expect-error nobody has said yet who is asking
  chain().use(rateLimit({ limit: 5000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
  const limits = rateLimit<{ readonly principal: Principal }>({ limit: 1, per: '1s', key: (ctx) => ctx.state.principal.subject })
  chain()
    .use(auth(jwt(trusted)))
    .use(limits)
  const verified = auth(jwt(trusted))
  // @ts-expect-error nobody has said yet who is asking
  chain().use(limits).use(verified)
  const anybody = chain().use(auth(jwt(trusted), { optional: true }))
  // @ts-expect-error where anonymous requests go on there may be no principal
  anybody.use(limits)
  createGateway({
    upstreams: {},
    routes: [],
    use: [
      auth(jwt(trusted)),
      chain()
        .use(auth(jwt(trusted)))
        .use(limits),
    ],
  })
  // @ts-expect-error nobody has said yet who is asking
  createGateway({ upstreams: {}, routes: [], use: [limits] })
})

test('claims have the type that a schema or a function gives them', () => {
  const members = chain().use(auth(jwt({ ...trusted, claims })))
  expectTypeOf<StateOf<typeof members>['principal']['claims']>().toEqualTypeOf<Readonly<{ tenant: string; seats: number }>>()
  members.to((ctx) =>
    json({ tenant: ctx.state.principal.claims.tenant.length, seats: ctx.state.principal.claims.seats.toFixed() }),
  )
  // @ts-expect-error the schema knows no such claim
  members.to((ctx) => json({ team: ctx.state.principal.claims.team }))
  const byFunction = jwt({ ...trusted, claims: ({ tenant }) => (typeof tenant === 'string' ? { tenant } : undefined) })
  auth(byFunction, { require: predicate(({ claims }) => claims.tenant === 'acme') })
  // @ts-expect-error the policy asks for what the claims do not have
  auth(byFunction, { require: predicate<{ team: string }>(({ claims }) => claims.team === 'a') })
  const either = firstOf(byFunction, apiKey({ keys: memoryApiKeys(), pepper: new Uint8Array(32) }))
  chain()
    .use(auth(either))
    .use(identity({ headers: { 'x-user': ({ subject }) => subject } }))
})

test('without either nothing is known of claims but their names', () => {
  const members = chain().use(auth(jwt(trusted)))
  expectTypeOf<StateOf<typeof members>['principal']['claims'][string]>().toEqualTypeOf<unknown>()
})
