import { chain, type Handler, type Middleware, text } from '@gatelet/core'
import { fromOpenAPI, type OpenApiState, type Router } from '@gatelet/router'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expectTypeOf, test } from 'vitest'

interface Principal {
  principal: { subject: string }
}

const auth: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'ann' } }))
const document = { openapi: '3.1.0', info: { title: 'x', version: '1' }, paths: { '/x': { get: { operationId: 'x' } } } }

test('handlers see what was validated, and the class of ajv and its formats fit', async () => {
  const router = await fromOpenAPI(document, {
    ajv: Ajv2020,
    formats: addFormats.default,
    handlers: {
      x: (ctx) => {
        expectTypeOf(ctx.state.valid).toEqualTypeOf<OpenApiState['valid']>()
        expectTypeOf(ctx.state.operation.id).toEqualTypeOf<string | undefined>()
        return text(ctx.state.route)
      },
    },
  })
  expectTypeOf(router).toEqualTypeOf<Router>()
})

test('state of the layers in front is named, and then needed', async () => {
  const router = await fromOpenAPI<Principal>(document, { fallback: ({ state }) => text(state.principal.subject) })
  expectTypeOf(chain().use(auth).to(router)).toEqualTypeOf<Handler>()
  // @ts-expect-error nobody gave a principal
  chain().to(router)
})
