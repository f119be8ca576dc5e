import type { Context, Handler, Middleware, Reply } from '@gatelet/core'
import { type Finding, finding, invalid, malformed } from '../validation/finding.ts'
import { unreadableDetail } from '../validation/parts.ts'
import { type BodyRule, judgedBody } from './body-rule.ts'
import type { OpenApiState } from './openapi-options.ts'
import type { OpenApiOperation } from './operations.ts'
import type { Parameter } from './parameter.ts'
import { type RequestTexts, textsOf } from './styles.ts'

/** How many of something there may be. */
export interface Limits {
  readonly bytes: number
  readonly fields: number
  readonly errors: number
}

interface Before {
  readonly params: Readonly<Record<string, unknown>>
}

/** Lets through what is as the operation says, with the values in `ctx.state.valid`. */
export function operationLayer(
  operation: OpenApiOperation,
  parameters: readonly Parameter[],
  body: BodyRule | undefined,
  limits: Limits,
): Middleware<Before, Omit<OpenApiState, 'params' | 'route'>> {
  return function openApiOperation(ctx, next) {
    const { values, findings } = parametersIn(ctx, parameters, limits.fields)
    if (findings.length > 0) return invalid(findings, limits.errors)
    const go = (on: typeof ctx, read: unknown) => next(on.with({ operation, valid: { ...values, body: read } }))
    return body ? withBody(ctx, body, limits, go) : go(ctx, undefined)
  }
}

async function withBody<S extends object>(
  ctx: Context<S>,
  rule: BodyRule,
  limits: Limits,
  go: (ctx: Context<S>, value: unknown) => ReturnType<Handler>,
): Promise<Reply> {
  let judged: Awaited<ReturnType<typeof judgedBody<S>>>
  try {
    judged = await judgedBody(ctx, rule, limits)
  } catch (error) {
    return malformed(unreadableDetail(error))
  }
  return judged.findings ? invalid(judged.findings, limits.errors) : go(judged.ctx, judged.value)
}

type Values = Omit<OpenApiState['valid'], 'body'>

interface Read {
  readonly values: Values
  readonly findings: readonly Finding[]
}

function parametersIn(ctx: Context<Before>, parameters: readonly Parameter[], maxFields: number): Read {
  const empty = (): Record<string, unknown> => Object.create(null)
  const values = { params: empty(), query: empty(), headers: empty(), cookies: empty() }
  let from: RequestTexts
  try {
    from = textsOf(ctx, maxFields)
  } catch (error) {
    return { values, findings: [finding('query', '', unreadableDetail(error))] }
  }
  const findings = parameters.flatMap((parameter): readonly Finding[] => {
    const read = parameter.read(from)
    if (!('value' in read)) return read
    if (read.value !== undefined) values[parameter.in][parameter.name] = read.value
    return []
  })
  return { values, findings }
}
