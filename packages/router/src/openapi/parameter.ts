import { type Finding, finding, pointer, type RequestPart } from '../validation/finding.ts'
import { parsedJson } from '../validation/json-text.ts'
import { unreadableDetail } from '../validation/parts.ts'
import { kindOf } from '../validation/read-body.ts'
import type { Place } from './place.ts'
import type { Judge, Schemas } from './schemas.ts'
import { meant, type Shape, shapeOf } from './shape.ts'
import { cookie, deepObject, form, type RequestTexts, type Structure, type StyleReader, simple } from './styles.ts'

/** One parameter of an operation, prepared. */
export interface Parameter {
  readonly in: Exclude<RequestPart, 'body'>
  readonly name: string
  /** @returns its value (undefined: it is not there, and need not be), or what is wrong */
  read(from: RequestTexts): { readonly value: unknown } | readonly Finding[]
}

const parts = { path: 'params', query: 'query', header: 'headers', cookie: 'cookies' } as const
type Location = keyof typeof parts

const styles: Readonly<Record<Location, readonly string[]>> = {
  path: ['simple'],
  query: ['form', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
}

/** Of an operation, the path's own among them: those of the operation count where both name one. */
export function parametersOf(pathItem: Place, operation: Place): Map<string, Place> {
  const all = new Map<string, Place>()
  for (const item of [...pathItem.items('parameters'), ...operation.items('parameters')]) {
    const place = item.resolved()
    const [name, where] = [place.text('name'), place.text('in')]
    if (!name) throw place.wrong('a parameter with a name')
    if (!isLocation(where)) throw place.wrong('a parameter whose `in` is path, query, header or cookie')
    all.set(`${where} ${where === 'header' ? name.toLowerCase() : name}`, place)
  }
  return all
}

const isLocation = (where: string | undefined): where is Location => where !== undefined && Object.hasOwn(parts, where)

// OpenAPI 3.1 §4.8.12.1: these are described elsewhere, and a parameter of such a name is ignored.
const described = new Set(['accept', 'content-type', 'authorization'])

/**
 * @param captured the name under which the router has a path parameter
 * @returns undefined for a header that is described elsewhere
 * @throws GatewayError `BAD_OPTION` for a style that is not read here
 */
export function preparedParameter(place: Place, schemas: Schemas, captured: (name: string) => string): Parameter | undefined {
  const name = place.text('name') as string
  const where = place.text('in') as Location
  if (where === 'header' && described.has(name.toLowerCase())) return undefined
  const required = place.flag('required') === true || where === 'path'
  const [media] = place.members('content')
  const schema = (media?.[1] ?? place).child('schema')
  const reader = media
    ? readJson(place, media[0], where, name, captured)
    : readStyle(place, where, name, shapeOf(schema), captured)
  const judge = schema && schemas.judge(schema)
  return { in: parts[where], name, read: (from) => readValue(from, reader, { part: parts[where], name, required, judge }) }
}

type Reader = (from: RequestTexts) => unknown
interface Rules {
  readonly part: RequestPart
  readonly name: string
  readonly required: boolean
  readonly judge: Judge | undefined
}

function readValue(from: RequestTexts, reader: Reader, rules: Rules): { readonly value: unknown } | readonly Finding[] {
  const path = pointer([rules.name])
  let value: unknown
  try {
    value = reader(from)
  } catch (error) {
    return [finding(rules.part, path, unreadableDetail(error))]
  }
  if (value === undefined) return rules.required ? [finding(rules.part, path, 'must be there')] : { value }
  const findings = rules.judge?.(value, rules.part, path) ?? []
  return findings.length > 0 ? findings : { value }
}

function readStyle(place: Place, where: Location, name: string, shape: Shape, captured: (name: string) => string): Reader {
  const style = place.text('style') ?? (styles[where][0] as string)
  if (!styles[where].includes(style)) throw (place.child('style') ?? place).wrong(`${styles[where].join(' or ')} in ${where}`)
  const explode = place.flag('explode') ?? style === 'form'
  const structure = structureOf(shape)
  // Cookies have no way to come twice that servers agree on.
  if (where === 'cookie' && explode && structure !== 'text') throw place.wrong('a cookie of one text, or with explode: false')
  const written = styleReader(where, name, { style, explode, structure, properties: new Set(shape.properties.keys()) }, captured)
  const schema = place.child('schema')
  return (from) => {
    const found = written(from)
    return found === undefined ? undefined : meant(found, schema)
  }
}

interface Style {
  readonly style: string
  readonly explode: boolean
  readonly structure: Structure
  readonly properties: ReadonlySet<string>
}

function styleReader(
  where: Location,
  name: string,
  { style, explode, structure, properties }: Style,
  captured: (name: string) => string,
): StyleReader {
  if (style === 'deepObject') return ({ query }) => deepObject(query, name)
  if (where === 'query') return ({ query }) => form(query, name, structure, explode, properties)
  if (where === 'cookie') return ({ cookies }) => cookie(cookies, name, structure)
  const textOf = textReader(where, name, captured)
  return (from) => {
    const text = textOf(from)
    return text === undefined ? undefined : simple(text, structure, explode)
  }
}

/** The one text of a parameter. */
function textReader(
  where: Location,
  name: string,
  captured: (name: string) => string,
): (from: RequestTexts) => string | undefined {
  if (where === 'path') {
    const own = captured(name)
    return ({ params }) => String(params[own])
  }
  if (where === 'header') return ({ ctx }) => ctx.request.headers.get(name)
  if (where === 'cookie') return ({ cookies }) => cookie(cookies, name, 'text') as string | undefined
  const none: ReadonlySet<string> = new Set()
  return ({ query }) => form(query, name, 'text', false, none) as string | undefined
}

function structureOf({ types }: Shape): Structure {
  if (types.has('array')) return 'list'
  return types.has('object') ? 'object' : 'text'
}

/** A parameter that is described by `content`. */
function readJson(place: Place, type: string, where: Location, name: string, captured: (name: string) => string): Reader {
  if (kindOf(type.toLowerCase()) !== 'json') throw (place.child('content') ?? place).wrong('of application/json')
  const textOf = textReader(where, name, captured)
  return (from) => {
    const text = textOf(from)
    return text === undefined ? undefined : parsedJson(text)
  }
}
