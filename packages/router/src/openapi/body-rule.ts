import type { Context } from '@gatelet/core'
import type { Fields } from '../validation/fields.ts'
import { type Finding, finding } from '../validation/finding.ts'
import { checkCoding, isEmpty, kindOf, mediaTypeOf, readBody, unsupported } from '../validation/read-body.ts'
import type { Place } from './place.ts'
import type { Judge, Schemas } from './schemas.ts'
import { meant } from './shape.ts'

/** What an operation says of its body, prepared. */
export interface BodyRule {
  readonly required: boolean
  /** From the most specific on. */
  readonly media: readonly Media[]
}

interface Media {
  /** `application/json`, or a range. */
  readonly type: string
  readonly schema: Place | undefined
  readonly judge: Judge | undefined
}

/** @throws GatewayError `BAD_OPTION` */
export function bodyRuleOf(operation: Place, schemas: Schemas): BodyRule | undefined {
  const place = operation.at('requestBody')
  if (!place) return undefined
  const media = place.members('content').map(([type, each]): Media => {
    const schema = each.child('schema')
    const name = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    // What is not read is not judged: its schema describes the bytes of an upload.
    const isRead = name.includes('*') || kindOf(name) !== undefined
    return { type: name, schema, judge: schema && isRead ? schemas.judge(schema) : undefined }
  })
  if (media.length === 0) throw place.wrong('a request body with at least one media type in `content`')
  return { required: place.flag('required') === true, media: media.sort((a, b) => rank(a.type) - rank(b.type)) }
}

const rank = (type: string): number => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0)

/** What became of a body. */
export interface JudgedBody<S extends object> {
  readonly ctx: Context<S>
  /** Undefined where there is none, and for one of a type that is not read: it goes on as it comes. */
  readonly value?: unknown
  readonly findings?: readonly Finding[]
}

/** @throws GatewayError `UNSUPPORTED_MEDIA_TYPE`, `BODY_TOO_LARGE`, `MALFORMED_BODY`, and what ended the exchange */
export async function judgedBody<S extends object>(
  ctx: Context<S>,
  { required, media }: BodyRule,
  limits: { readonly bytes: number; readonly fields: number },
): Promise<JudgedBody<S>> {
  const missing = required ? { ctx, findings: [finding('body', '', 'must be there')] } : { ctx }
  if (isEmpty(ctx.request.body)) return missing
  const type = mediaTypeOf(ctx) ?? ''
  const found = media.find((each) => covers(each.type, type))
  if (!found) throw unsupported(media.map((each) => each.type))
  const kind = kindOf(type)
  if (!found.judge || !kind) return { ctx }
  checkCoding(ctx)
  const read = await readBody(ctx, kind, limits)
  if (read.value === undefined) return { ...missing, ctx: read.ctx }
  const value = kind === 'form' ? meant(read.value as Fields, found.schema) : read.value
  const findings = found.judge(value, 'body', '')
  return findings.length > 0 ? { ctx: read.ctx, findings } : { ctx: read.ctx, value }
}

function covers(range: string, type: string): boolean {
  if (range === type || range === '*/*') return true
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1))
}
