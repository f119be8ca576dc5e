import { type Checks, checkOptions, errorTable, type Handler, options, partsOf } from '@gatelet/core'
import { routesOf } from '../listed.ts'
import { int } from '../match/matcher.ts'
import type { Pattern } from '../pattern.ts'
import type { ListedRoute } from '../route-list.ts'
import { mediaTypes } from '../validation/read-body.ts'
import { validatedBy } from '../validation/validate.ts'
import type { ValidateOptions } from '../validation/validate-options.ts'
import { type JsonSchema, JsonSchemas, type SchemaWriter } from './json-schema.ts'

/** What a document says that no router knows. */
export interface ToOpenApiOptions {
  /** The name of the API. */
  title: string
  /** The version of the document. */
  version: string
  /** Where the API is reached, as `https://api.example.com/v1`. Left out: where the document is. */
  servers?: readonly string[]
  /** Makes JSON Schema 2020-12 of a schema, for libraries that do not do it by themselves: `toJsonSchema` of `@valibot/to-json-schema`. */
  jsonSchema?: SchemaWriter
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly servers?: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  readonly components?: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

const checks: Checks<ToOpenApiOptions> = {
  title: options.string,
  version: options.string,
  servers: options.optional(options.list(options.string)),
  jsonSchema: options.optional(options.fn('a function that makes JSON Schema')),
}

/**
 * Describes the routes of a router, and of routers mounted in it, as an OpenAPI 3.1 document: paths, methods, and what
 * `validate` holds them to. What it cannot see is not there: what follows a rest (`/files/*`) unless a router takes it, hosts
 * and other conditions, what handlers answer, and routers behind functions that are not chains.
 * @param router or a chain that ends in one
 * @throws GatewayError `BAD_OPTION` for what is no router
 * @example router.get('/openapi.json', () => json(toOpenAPI(router, { title: 'Users', version: '1' })))
 */
export function toOpenAPI(router: Handler<never>, given: ToOpenApiOptions): OpenApiDocument {
  const { title, version, servers, jsonSchema } = checkOptions('toOpenAPI', given, checks)
  const parts = partsOf(router)
  const routes = routesOf(parts.at(-1))
  if (!routes) throw options.wrong(router, 'router', 'a router that createRouter has made, or a chain that ends in one')
  const schemas = new JsonSchemas(jsonSchema)
  const paths: Record<string, Record<string, object>> = {}
  for (const { path, methods, parameters, rules } of operationsIn(routes, { path: '', parameters: [], rules: rulesIn(parts) })) {
    paths[path] ??= {}
    // Of routes that differ in what is not described, the one that was added first stands for all.
    for (const method of methods) paths[path][method] ??= operationOf(parameters, rules, schemas)
  }
  const components = Object.keys(schemas.components).length > 0 ? { components: { schemas: schemas.components } } : {}
  const where = servers ? { servers: servers.map((url) => ({ url })) } : {}
  return { openapi: '3.1.0', info: { title, version }, ...where, paths, ...components }
}

/** What is known of a place in the paths. */
interface Surroundings {
  readonly path: string
  readonly parameters: readonly PathParameter[]
  readonly rules: ValidateOptions
}

interface PathParameter {
  readonly name: string
  readonly type: 'integer' | 'string'
}

interface Described extends Surroundings {
  readonly methods: readonly string[]
}

const known = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']
const usual = ['get', 'put', 'post', 'delete', 'patch']

function operationsIn(routes: readonly ListedRoute[], around: Surroundings): Described[] {
  return routes.flatMap((route): Described[] => {
    const parts = route.handling.flatMap(partsOf)
    const here = { ...within(around, route.path), rules: { ...around.rules, ...rulesIn(parts) } }
    const inner = routesOf(parts.at(-1))
    if (inner) return operationsIn(inner, here)
    if (route.path.isPrefix) return []
    const methods = route.method?.map((method) => method.toLowerCase()).filter((method) => known.includes(method)) ?? usual
    return [{ ...here, path: here.path || '/', methods }]
  })
}

/** What layers validate, together. */
const rulesIn = (parts: readonly unknown[]): ValidateOptions => Object.assign({}, ...parts.map((part) => validatedBy(part) ?? {}))

/** A rest is taken off: what follows it is for the router behind. */
function within({ path, parameters }: Surroundings, pattern: Pattern): Omit<Surroundings, 'rules'> {
  const own = pattern.isPrefix ? pattern.text.slice(0, pattern.text.lastIndexOf('/')) : pattern.text
  // Behind a mount, `/` is the mount itself.
  const added = own === '/' ? '' : own.replace(/\/:(\w+)/g, '/{$1}')
  const params = pattern.params.map(
    ({ name, constraint }): PathParameter => ({ name, type: constraint === int ? 'integer' : 'string' }),
  )
  return { path: path + added, parameters: [...parameters, ...params] }
}

function operationOf(captured: readonly PathParameter[], rules: ValidateOptions, schemas: JsonSchemas): object {
  const parameters = [
    ...pathParameters(captured, rules, schemas),
    ...namedParameters('query', rules.query, schemas),
    ...namedParameters('header', rules.headers, schemas),
  ]
  const body = rules.body && bodyOf(rules.body, rules.bodyTypes ?? ['json'], schemas)
  return {
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: body } }),
    responses: responsesOf(rules),
  }
}

function pathParameters(captured: readonly PathParameter[], { params }: ValidateOptions, schemas: JsonSchemas): object[] {
  const described = new Map((params ? schemas.propertiesOf(params) : []).map(([name, schema]) => [name, schema]))
  return captured.map(({ name, type }) => ({ name, in: 'path', required: true, schema: described.get(name) ?? { type } }))
}

function namedParameters(where: 'query' | 'header', schema: ValidateOptions['query'], schemas: JsonSchemas): object[] {
  const properties = schema ? schemas.propertiesOf(schema) : []
  return properties.map(([name, each, required]) => ({ name, in: where, ...(required && { required }), schema: each }))
}

function bodyOf(
  schema: NonNullable<ValidateOptions['body']>,
  kinds: NonNullable<ValidateOptions['bodyTypes']>,
  schemas: JsonSchemas,
): object {
  return Object.fromEntries(kinds.map((kind) => [mediaTypes[kind], { schema: schemas.of(schema) }]))
}

function responsesOf({ params, query, headers, body }: ValidateOptions): object {
  const codes = [
    ...(params || query || headers ? (['INVALID_REQUEST'] as const) : []),
    ...(body ? (['MALFORMED_BODY', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'INVALID_BODY'] as const) : []),
  ]
  const refusals = codes.map((code) => {
    const { status, title } = errorTable[code]
    return [status, { description: title, content: { 'application/problem+json': {} } }]
  })
  return { ...Object.fromEntries(refusals), default: { description: 'What the handler answers' } }
}
