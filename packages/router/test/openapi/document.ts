import { type Handler, json } from '@gatelet/core'
import { fromOpenAPI, type OpenApiOptions, type OpenApiState, type Router } from '@gatelet/router'

/** Shows what was validated. */
export const shown: Handler<OpenApiState> = (ctx) => json({ ...ctx.state.valid, by: ctx.state.operation.id })

/** A document of these paths. */
export const documentOf = (paths: object, more: object = {}): object => ({
  openapi: '3.1.0',
  info: { title: 'test', version: '1' },
  paths,
  ...more,
})

export const routerOf = (paths: object, more: object = {}, options: OpenApiOptions = {}): Promise<Router> =>
  fromOpenAPI(documentOf(paths, more), { fallback: shown, ...options })

/** A router of one operation with one parameter. */
export const withParameter = (parameter: object, path = '/x'): Promise<Router> =>
  routerOf({ [path]: { get: { parameters: [parameter] } } })

export interface Problem {
  code: string
  detail?: string
  errors: { in: string; path: string; message: string }[]
}
