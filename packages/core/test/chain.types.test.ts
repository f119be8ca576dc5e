import {
  type Chain,
  type Context,
  chain,
  type Handler,
  type MaybePromise,
  type Middleware,
  type Reply,
  type StateOf,
  text,
} from '@gatelet/core'
import { describe, expectTypeOf, test } from 'vitest'

interface Principal {
  principal: { subject: string }
}
interface Tenant {
  tenant: string
}

const auth: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'ada' } }))
const tenant: Middleware<Principal, Tenant> = (ctx, next) => next(ctx.with({ tenant: ctx.state.principal.subject }))
const perSubject: Middleware<Principal> = (ctx, next) => (ctx.state.principal.subject ? next(ctx) : text('who?', 403))
const passing: Middleware = (ctx, next) => next(ctx)
const members: Handler<Principal> = (ctx) => text(ctx.state.principal.subject)
const anybody: Handler = () => text('x')

describe('the order of layers is a matter of types', () => {
  test('the right one compiles', () => {
    const handler = chain().use(passing).use(auth).use(perSubject).use(tenant).to(members)
    expectTypeOf(handler).toEqualTypeOf<Handler>()
  })

  test('a layer before the one that adds what it needs does not', () => {
    // @ts-expect-error the principal comes later
    chain().use(perSubject).use(auth)
    // @ts-expect-error nobody adds the principal
    chain().use(passing).use(tenant)
  })

  test('a handler that needs state does not compile where there is none', () => {
    // @ts-expect-error nobody adds the principal
    chain().to(members)
    // @ts-expect-error a handler that needs state is none that needs nothing
    const bare: Handler = members
    expectTypeOf(bare).toBeFunction()
    chain().use(auth).to(anybody)
  })

  test('nobody can rely on a layer that adds state only sometimes', () => {
    const sometimes = chain().use(process.env['NEVER'] ? auth : passing)
    sometimes.to(anybody)
    // @ts-expect-error the principal may be missing
    sometimes.use(perSubject)
    // @ts-expect-error the principal may be missing
    sometimes.to(members)
  })
})

describe('who adds state must hand it on', () => {
  test('a layer that promises state and forgets it does not compile', () => {
    // @ts-expect-error `next` wants the principal
    const forgetful: Middleware<{}, Principal> = (ctx, next) => next(ctx)
    // @ts-expect-error it is another type
    const wrong: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: 'ada' }))
    // @ts-expect-error `next` wants the tenant
    chain().use<Tenant>((ctx, next) => next(ctx))
    expectTypeOf([forgetful, wrong]).toBeArray()
  })

  test('a layer may add more than it promises, and then nobody sees it', () => {
    const more: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'a', admin: true }, extra: 1 }))
    chain()
      .use(more)
      .to((ctx) => {
        expectTypeOf(ctx.state).toExtend<Principal>()
        // @ts-expect-error not promised
        ctx.state.extra
        return text('x')
      })
  })

  test('a layer may leave earlier state as it is', () => {
    chain().use(auth).use(tenant).to(members)
  })
})

describe('inline functions get their types', () => {
  test('a layer: context, state and next', () => {
    chain()
      .use(auth)
      .use((ctx, next) => {
        expectTypeOf(ctx.state.principal.subject).toBeString()
        expectTypeOf(next).toBeCallableWith(ctx)
        expectTypeOf(next(ctx)).toEqualTypeOf<MaybePromise<Reply>>()
        return next(ctx)
      })
      .use(async (ctx, next) => {
        const reply = await next(ctx)
        expectTypeOf(reply).toEqualTypeOf<Reply>()
        return reply
      })
  })

  test('a layer that adds state says what, and sees what was there', () => {
    chain()
      .use(auth)
      .use<Tenant>((ctx, next) => next(ctx.with({ tenant: ctx.state.principal.subject })))
      .to((ctx) => {
        expectTypeOf(ctx.state).toExtend<Principal & Tenant>()
        return text(ctx.state.tenant)
      })
  })

  test('provide: what it returns is what is added', () => {
    chain()
      .use(auth)
      .provide((ctx) => ({ id: ctx.state.principal.subject.length }))
      .provide(async (ctx) => ({ even: ctx.state.id % 2 === 0 }))
      .to((ctx) => {
        expectTypeOf(ctx.state.id).toBeNumber()
        expectTypeOf(ctx.state.even).toBeBoolean()
        return text('x')
      })
    // @ts-expect-error it must return an object
    chain().provide(() => 'x')
  })

  test('a handler', () => {
    chain()
      .use(auth)
      .to((ctx) => {
        expectTypeOf(ctx).toEqualTypeOf<Context<{} & Principal>>()
        return text(ctx.state.principal.subject)
      })
    // @ts-expect-error a handler answers with a Reply
    chain().to(() => 'x')
  })

  test('options that see the state infer it where they stand', () => {
    function limit<N extends object = {}>(_options: { key?: (ctx: Context<N>) => string }): Middleware<N> {
      return (ctx, next) => next(ctx)
    }
    chain()
      .use(auth)
      .use(limit({ key: (ctx) => ctx.state.principal.subject }))
      .to(members)
    // @ts-expect-error no principal here
    chain().use(limit({ key: (ctx) => ctx.state.principal.subject }))
  })
})

describe('a chain inside another', () => {
  test('says what it stands on', () => {
    const inner = chain<Principal>().use(tenant)
    expectTypeOf(inner).toExtend<Chain<Principal & Tenant, Principal>>()
    expectTypeOf(inner.layer()).toEqualTypeOf<Middleware<Principal, Principal & Tenant>>()
    expectTypeOf(inner.to(members)).toEqualTypeOf<Handler<Principal>>()
    chain()
      .use(auth)
      .use(inner.layer())
      .to((ctx) => text(ctx.state.tenant))
    chain().use(auth).to(inner.to(members))
    // @ts-expect-error what it stands on is missing
    chain().use(inner.layer())
    // @ts-expect-error what it stands on is missing
    chain().to(inner.to(members))
  })

  test('StateOf is what handlers behind it see', () => {
    const chained = chain().use(auth).use(tenant)
    expectTypeOf<StateOf<typeof chained>>().toExtend<Principal & Tenant>()
    expectTypeOf<StateOf<Chain<{}>>>().toEqualTypeOf<{}>()
    expectTypeOf<StateOf<string>>().toBeNever()
  })
})

describe('state', () => {
  test('cannot be changed in place', () => {
    chain()
      .use(auth)
      .to((ctx) => {
        expectTypeOf(ctx.state).toEqualTypeOf<Readonly<{} & Principal>>()
        // @ts-expect-error read-only
        const write = () => (Object.assign(ctx, {}).state.principal = { subject: 'x' })
        expectTypeOf(write).toBeFunction()
        return text('x')
      })
  })

  test('survives withRequest, withSignal, withDeadline and background', () => {
    const seen: Handler<Principal> = (ctx) => {
      expectTypeOf(ctx.withRequest({ method: 'GET' })).toEqualTypeOf<Context<Principal>>()
      expectTypeOf(ctx.withSignal(ctx.signal)).toEqualTypeOf<Context<Principal>>()
      expectTypeOf(ctx.withDeadline(1)).toEqualTypeOf<Context<Principal>>()
      ctx.background(async (inner) => {
        expectTypeOf(inner).toEqualTypeOf<Context<Principal>>()
      })
      return text('x')
    }
    expectTypeOf(seen).toEqualTypeOf<Handler<Principal>>()
  })
})
