import { chain, GatewayError, type Handler, type Middleware, options } from '@gatelet/core'
import { createRouter, type Router } from '../router.ts'
import { MAX_BODY_BYTES, MAX_FIELDS, MAX_FINDINGS } from '../validation/bounds.ts'
import { bodyRuleOf } from './body-rule.ts'
import { checkedOpenApi, type OpenApiOptions, type SecurityRequirement } from './openapi-options.ts'
import { operationLayer } from './operation-layer.ts'
import { type Found, type OpenApiOperation, operationsOf, templateOf } from './operations.ts'
import { parametersOf, preparedParameter } from './parameter.ts'
import { linearPatterns } from './patterns.ts'
import { isObject, Place, refuseEndless } from './place.ts'
import { loadAjv, Schemas } from './schemas.ts'

/**
 * Makes a router of an OpenAPI 3.1 document: a route for each operation, below the paths of its servers, which lets through
 * what is as the document says. Path, query, header and cookie parameters (styles `simple`, `form` and `deepObject`) are read
 * as what their schemas say; JSON and form bodies are validated, others pass; a media type that is not described is 415.
 * Refusals are those of `validate`; what no operation has is 404 or 405. Documents of 3.0 are taken where both mean the same.
 *
 * The document is trusted: it decides what is compiled, by ajv (a peer dependency), and how long that takes per request.
 * References must stay within it. Replies are not validated; callbacks, webhooks and extensions (`x-…`) are not looked at.
 * @param document an object, as `JSON.parse` or a reader of YAML makes it
 * @throws GatewayError `BAD_OPTION`, with the JSON pointer of what is not right in the document
 * @example
 * const api = await fromOpenAPI(document, { handlers: { getUser: (ctx) => json(ctx.state.valid.params) }, fallback: proxy(users) })
 */
export async function fromOpenAPI<S extends object = {}>(document: object, given: OpenApiOptions<S>): Promise<Router<S>> {
  const checked = checkedOpenApi(given)
  const root = rootOf(document)
  const Ajv = checked.ajv ?? (await loadAjv())
  const schemas = new Schemas(document, Ajv, checked.patterns ?? linearPatterns, checked.formats)
  const operations = operationsOf(root)
  refuseUnused(operations, checked)
  const router = createRouter()
  for (const found of operations) addRoutes(router, found, root, schemas, checked)
  return router as unknown as Router<S>
}

function rootOf(document: object): Place {
  const root = new Place(document)
  if (!isObject(document) || Array.isArray(document)) throw root.wrong('an OpenAPI document')
  const version = root.text('openapi')
  if (version === undefined || !/^3\.[01]\./.test(version)) throw (root.child('openapi') ?? root).wrong('OpenAPI 3.1, or 3.0')
  refuseEndless(root)
  return root
}

function addRoutes(router: Router, found: Found, root: Place, schemas: Schemas, checked: OpenApiOptions): void {
  const { method, place, bases } = found
  const { pattern, captured } = templateOf(found)
  const inPath = (name: string, at: Place): string => {
    const own = captured(name)
    if (own === undefined) throw at.wrong('a parameter that the path has')
    return own
  }
  const parameters = [...parametersOf(found.item, place).values()].flatMap(
    (each) => preparedParameter(each, schemas, (name) => inPath(name, each)) ?? [],
  )
  const operation: OpenApiOperation = { id: found.id, method, path: found.path, tags: found.tags }
  const limits = limitsOf(checked)
  const validation = operationLayer(operation, parameters, bodyRuleOf(place, schemas), limits)
  const security = securityOf(found, root, checked, operation)
  const layer = security
    ? chain()
        .use(security)
        .use(validation as Middleware)
        .layer()
    : (validation as Middleware)
  const handler = handlerFor(found, checked)
  for (const base of bases) {
    try {
      router.route({ method, path: base + pattern || '/' }, layer, handler)
    } catch (error) {
      throw place.wrong(`a route of its own: ${(error as Error).message}`, error)
    }
  }
}

const limitsOf = ({ maxBodyBytes = MAX_BODY_BYTES, maxFields = MAX_FIELDS, maxErrors = MAX_FINDINGS }: OpenApiOptions) => ({
  bytes: maxBodyBytes,
  fields: maxFields,
  errors: maxErrors,
})

function securityOf(
  found: Found,
  root: Place,
  { security }: OpenApiOptions,
  operation: OpenApiOperation,
): Middleware | undefined {
  const place = found.place.at('security') ? found.place : root
  const requirements = place.items('security').map(({ value }) => value as SecurityRequirement)
  if (requirements.length === 0 || security === false) return undefined
  // A document that says who may come in, and nobody who looks: better not to start.
  if (!security)
    throw place.wrong('held by somebody: give fromOpenAPI the option security, or false where that is done elsewhere')
  const layer = security(requirements, operation)
  // A scheme that the hook does not know must not be an open door.
  if (!layer && !requirements.some((each) => Object.keys(each).length === 0))
    throw place.wrong('held by a layer: the option security made none')
  return layer
}

function handlerFor({ id, tags, place }: Found, { handlers = {}, backends = {}, fallback }: OpenApiOptions): Handler {
  const own = id !== undefined && Object.hasOwn(handlers, id) ? handlers[id] : undefined
  const tag = tags.find((each) => Object.hasOwn(backends, each))
  const handler = own ?? (tag === undefined ? undefined : backends[tag]) ?? fallback
  if (!handler) throw place.wrong('answered by one of the options handlers (by operationId), backends (by tag) and fallback')
  return handler as unknown as Handler
}

/** A name that no operation has is a mistake in writing: its handler would never be asked. */
function refuseUnused(operations: readonly Found[], { handlers = {}, backends = {} }: OpenApiOptions): void {
  const ids = new Set(operations.map(({ id }) => id))
  const tags = new Set(operations.flatMap((each) => each.tags))
  refuseOthers('handlers', Object.keys(handlers), (name) => ids.has(name), 'an operationId of the document')
  refuseOthers('backends', Object.keys(backends), (name) => tags.has(name), 'a tag of an operation')
}

function refuseOthers(option: string, names: readonly string[], isKnown: (name: string) => boolean, expected: string): void {
  const unused = names.find((name) => !isKnown(name))
  if (unused === undefined) return
  const path = `${option}.${unused}`
  throw new GatewayError('BAD_OPTION', { path, message: `fromOpenAPI: ${options.wrong(unused, path, expected).message}` })
}
