import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf'
import { type FieldPath, fieldNamed, fieldPath, isBindable } from './fields.ts'
import type { HttpRule } from './http-rule.ts'
import { parseTemplate, type Template, type Variable } from './template.ts'

/** One way to call a method by HTTP, checked. */
export interface Binding {
  readonly method: DescMethod
  /** Of HTTP. */
  readonly verb: string
  readonly template: Template
  readonly variables: readonly (Variable & { readonly fields: FieldPath })[]
  /** What the body is: the whole message, a field of it, or nothing. */
  readonly body: '*' | DescField | undefined
  /** The field of the answer that is its body; undefined for all of it. */
  readonly responseBody: DescField | undefined
  /** The field mask that a PATCH is given where it says none. */
  readonly mask: DescField | undefined
  /** A number that JavaScript cannot hold may be made a text: no field takes any JSON. */
  readonly mayQuoteNumbers: boolean
}

export const HTTP_BODY = 'google.api.HttpBody'

/** The bindings of a method. @throws Error that says what is wrong with its annotation */
export function bindingsOf(method: DescMethod, rule: HttpRule): Binding[] {
  for (const each of rule.additional)
    if (each.additional.length > 0) throw new Error('additional_bindings must not have additional_bindings of their own')
  return [rule, ...rule.additional].map((each) => bindingOf(method, each))
}

function bindingOf(method: DescMethod, rule: HttpRule): Binding {
  const { input, output } = method
  if (rule.template === '' || !/^[A-Z]+$/.test(rule.method)) throw new Error('it must have a method of HTTP and a path')
  const template = parseTemplate(rule.template)
  const variables = template.variables.map((variable) => ({ ...variable, fields: boundField(input, variable) }))
  const body = bodyOf(input, rule.body)
  if (isClientStream(method) && (body !== '*' || variables.length > 0))
    throw new Error('a method whose requests stream must have the body "*" and no variables')
  const inBody = body !== '*' && body && variables.find(({ fields }) => fields[0] === body && fields.length === 1)
  if (inBody) throw new Error(`${inBody.path.join('.')} is in the path and is the body`)
  return {
    method,
    verb: rule.method,
    template,
    variables,
    body,
    responseBody: rule.responseBody === '' ? undefined : known(output, rule.responseBody, 'response_body'),
    mask: rule.method === 'PATCH' && body !== '*' && body?.message ? maskOf(input) : undefined,
    mayQuoteNumbers: !takesAnyJson(input, new Set()),
  }
}

const isClientStream = ({ methodKind }: DescMethod) => methodKind === 'client_streaming' || methodKind === 'bidi_streaming'

function boundField(input: DescMessage, { path }: Variable): FieldPath {
  const fields = fieldPath(input, path)
  if (!isBindable(fields.at(-1) as DescField, false))
    throw new Error(`the field ${path.join('.')} of the path must be one value: a number, a text, an enum or the like`)
  return fields
}

function bodyOf(input: DescMessage, name: string): Binding['body'] {
  if (name === '') return undefined
  return name === '*' ? '*' : known(input, name, 'body')
}

function known(message: DescMessage, name: string, where: string): DescField {
  const field = fieldNamed(message, name)
  if (!field) throw new Error(`${message.typeName} has no field ${name}, which is its ${where}`)
  return field
}

function maskOf({ fields }: DescMessage): DescField | undefined {
  const masks = fields.filter((field) => field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.FieldMask')
  return masks.length === 1 ? masks[0] : undefined
}

const anyJson: ReadonlySet<string> = new Set(['Value', 'Struct', 'ListValue', 'Any'].map((name) => `google.protobuf.${name}`))

function takesAnyJson(message: DescMessage, seen: Set<DescMessage>): boolean {
  if (anyJson.has(message.typeName)) return true
  if (seen.has(message)) return false
  seen.add(message)
  return message.fields.some((field) => field.message !== undefined && takesAnyJson(field.message, seen))
}
