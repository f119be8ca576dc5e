import {
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  type MaybePromise,
  type Middleware,
  problem,
  type Reply,
} from '@gatelet/core'
import { andThen } from './and-then.ts'
import { MAX_BODY_BYTES, MAX_FIELDS, MAX_FINDINGS } from './bounds.ts'
import { invalid, malformed } from './finding.ts'
import { headersOf, judged, judgedQuery, type Part, unreadableDetail } from './parts.ts'
import { type BodyKind, checkCoding, isEmpty, kindOf, mediaTypeOf, mediaTypes, readBody, unsupported } from './read-body.ts'
import type { StandardSchema } from './standard-schema.ts'
import { type Maybe, type NeedsParams, type ValidateOptions, type ValidState, validateChecks } from './validate-options.ts'

/**
 * Lets a request through when its parts are as their schemas say, with what the schemas made of them in `ctx.state.valid`.
 * Behind another `validate` the two are merged.
 *
 * What is wrong is told as a problem (RFC 9457) with `errors: [{ in, path, message }]`, `path` being a JSON pointer: 400 for
 * params, query and headers, before the body is read; 422 (RFC 9110 §15.5.21) for the body; 400 for a body that is not JSON;
 * 413 and 415. Params, query and headers are looked at together.
 *
 * The body is read once. A proxy behind sends the bytes on as they came; what a schema has changed is for handlers. Among a
 * framework's own handlers it stands behind their body parser: in front of it, who comes next could not read the body again,
 * and such a request ends with `CHANGE_REFUSED`.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/users/:id', validate({ params: z.object({ id: z.coerce.number().int() }) }), (ctx) => json(ctx.state.valid.params.id))
 */
export function validate<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  H extends Maybe = undefined,
  B extends Maybe = undefined,
>(given: ValidateOptions<P, Q, H, B>): Middleware<NeedsParams<P>, ValidState<P, Q, H, B>> {
  const checked = checkOptions<ValidateOptions>('validate', given, validateChecks)
  const rules = rulesOf(checked)
  const layer = function validate(ctx: Context<Before>, next: Handler<Before>): MaybePromise<Reply> {
    return andThen(partsOf(rules.heads, ctx), (parts) => {
      const findings = parts.flatMap((part) => part.findings ?? [])
      if (findings.length > 0) return invalid(findings, rules.maxErrors)
      const valid: Record<string, unknown> = { ...ctx.state.valid }
      for (const { name, value } of parts) valid[name] = value
      return rules.body ? withBody(ctx, rules.body, rules.maxErrors, valid, next) : next(ctx.with({ valid }))
    })
  }
  described.set(layer, checked)
  return layer as unknown as Middleware<NeedsParams<P>, ValidState<P, Q, H, B>>
}

const described = new WeakMap<object, ValidateOptions>()

/** What a layer validates, if it is one of `validate`. */
export function validatedBy(layer: unknown): ValidateOptions | undefined {
  return typeof layer === 'function' ? described.get(layer) : undefined
}

interface Before {
  readonly params?: unknown
  readonly valid?: object
}

interface BodyRules {
  readonly schema: StandardSchema
  readonly kinds: readonly BodyKind[]
  readonly limits: { readonly bytes: number; readonly fields: number }
}

interface Rules {
  readonly heads: readonly ((ctx: Context<Before>) => MaybePromise<Part>)[]
  readonly body: BodyRules | undefined
  readonly maxErrors: number
}

function rulesOf(checked: ValidateOptions): Rules {
  const { params, query, headers, body, bodyTypes = ['json'], maxErrors = MAX_FINDINGS } = checked
  const { maxBodyBytes = MAX_BODY_BYTES, maxFields = MAX_FIELDS } = checked
  const heads: Rules['heads'][number][] = []
  if (params) heads.push((ctx) => judged('params', params, ctx.state.params))
  if (query) heads.push((ctx) => judgedQuery(query, ctx.request.url.search, maxFields))
  if (headers) heads.push((ctx) => judged('headers', headers, headersOf(ctx)))
  if (heads.length === 0 && !body) {
    const expected = 'schemas of at least one of params, query, headers and body'
    throw new GatewayError('BAD_OPTION', { path: '', message: `validate: the options must be ${expected} (got none)` })
  }
  const limits = { bytes: maxBodyBytes, fields: maxFields }
  return { heads, body: body && { schema: body, kinds: bodyTypes, limits }, maxErrors }
}

// One after the other: should one throw, no promise of another is left behind.
function partsOf(heads: Rules['heads'], ctx: Context<Before>, done: readonly Part[] = []): MaybePromise<readonly Part[]> {
  const head = heads[done.length]
  return head ? andThen(head(ctx), (part) => partsOf(heads, ctx, [...done, part])) : done
}

function withBody(
  ctx: Context<Before>,
  { schema, kinds, limits }: BodyRules,
  maxErrors: number,
  valid: Record<string, unknown>,
  next: Handler<Before>,
): MaybePromise<Reply> {
  const go = (value: unknown, on: Context<Before>): MaybePromise<Reply> =>
    andThen(judged('body', schema, value), (part) =>
      part.findings ? invalid(part.findings, maxErrors) : next(on.with({ valid: { ...valid, body: part.value } })),
    )
  if (isEmpty(ctx.request.body)) return go(undefined, ctx)
  const kind = kindOf(mediaTypeOf(ctx) ?? '')
  if (!kind || !kinds.includes(kind)) return problem(unsupported(kinds.map((each) => mediaTypes[each])))
  checkCoding(ctx)
  return readBody(ctx, kind, limits).then(
    (read) => go(read.value, read.ctx),
    (error: unknown) => malformed(unreadableDetail(error)),
  )
}
