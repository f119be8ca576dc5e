import { chain, type Handler, type Middleware, text } from '@gatelet/core'
import { createRouter, type VersionState, versions } from '@gatelet/router'
import { describe, expectTypeOf, test } from 'vitest'

interface Principal {
  principal: { subject: string }
}

const auth: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'ann' } }))
const anything: Handler = () => text('x')

describe('the names of versions', () => {
  test('are those of default and latest', () => {
    versions({
      by: 'path',
      default: '2',
      latest: '2',
      versions: { '1': anything, '2': { handler: anything, sunset: '2027-01-01' } },
    })
    // @ts-expect-error there is no such version
    const wrong = () => versions({ by: 'path', default: '3', versions: { '1': anything } })
    expectTypeOf(wrong).toBeFunction()
  })

  test('are what handlers see', () => {
    versions({
      by: 'path',
      versions: {
        '1': (ctx) => {
          expectTypeOf(ctx.state.version).toEqualTypeOf<'1' | 'beta'>()
          return text(ctx.state.version)
        },
        beta: { handler: ({ state }) => text(state.version) },
      },
    })
  })
})

test('state is inferred from the chain in front, and reaches routers behind', () => {
  const handler = chain()
    .use(auth)
    .to(
      versions({
        by: { header: 'api-version' },
        versions: {
          '1': ({ state }) => text(state.principal.subject + state.version),
          '2': createRouter((router) => {
            router.get('/users/:id', ({ state }) => text(state.principal.subject + state.version + state.params.id))
          }),
        },
      }),
    )
  expectTypeOf(handler).toEqualTypeOf<Handler>()
})

test('a handler that needs state makes the whole need it', () => {
  const needy: Handler<Principal & VersionState> = ({ state }) => text(state.principal.subject)
  chain()
    .use(auth)
    .to(versions({ by: 'path', versions: { '1': needy } }))
  // @ts-expect-error nobody gave a principal
  chain().to(versions({ by: 'path', versions: { '1': needy } }))
})
