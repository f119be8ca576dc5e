import { itemsOf, membersOf, type Span } from './json-spans.ts'

/** A message of JSON-RPC 2.0 as a text, and where its id stands. */
export interface RpcText {
  readonly text: string
  readonly idAt: Span
}

/** What a client asks by one object. `invalid` is none that JSON-RPC 2.0 knows. */
export type RpcRequest = RpcCall | RpcOther<'notification'> | RpcOther<'invalid'>

interface RpcCall extends RpcText {
  readonly kind: 'call'
}

interface RpcOther<K extends string> {
  readonly kind: K
  readonly text: string
}

/** One answer, under the id that we gave. */
export interface RpcAnswer extends RpcText {
  readonly id: string
  /** Of an error; undefined for a result. */
  readonly errorCode: number | undefined
}

/** @param text JSON */
export function rpcRequest(text: string): RpcRequest {
  const value = JSON.parse(text) as unknown
  if (!isRequest(value)) return { kind: 'invalid', text }
  const [idAt, ...others] = membersOf(text).filter(({ name }) => name === 'id')
  // Of two ids, we might read the one and the server the other.
  if (others.length > 0) return { kind: 'invalid', text }
  return idAt ? { kind: 'call', text, idAt } : { kind: 'notification', text }
}

function isRequest(value: unknown): boolean {
  if (!isObject(value)) return false
  const { jsonrpc, method, params, id } = value
  const hasGoodId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number'
  return jsonrpc === '2.0' && typeof method === 'string' && hasGoodId && (params === undefined || isObjectOrList(params))
}

/** The answers in a message: one, those of a batch, or none. @throws SyntaxError for what is no JSON */
export function rpcAnswers(text: string): RpcAnswer[] {
  const value = JSON.parse(text) as unknown
  if (!Array.isArray(value)) return answersOf(text, value)
  return itemsOf(text).flatMap(({ start, end }, at) => answersOf(text.slice(start, end), value[at]))
}

function answersOf(text: string, value: unknown): RpcAnswer[] {
  if (!isObject(value) || typeof value['id'] !== 'string' || !('result' in value || 'error' in value)) return []
  const idAt = membersOf(text).findLast(({ name }) => name === 'id') as Span
  const { id, error } = value
  const code = isObject(error) ? error['code'] : undefined
  return [{ id, text, idAt, errorCode: typeof code === 'number' ? code : 'error' in value ? 0 : undefined }]
}

/** The same message under another id. @param id JSON */
export const withId = ({ text, idAt }: RpcText, id: string): string => text.slice(0, idAt.start) + id + text.slice(idAt.end)

/** The id of a message as it stands there. */
export const rawId = ({ text, idAt }: RpcText): string => text.slice(idAt.start, idAt.end)

/** An error as a message. @param id JSON */
export const rpcError = (code: number, message: string, id = 'null'): string =>
  `{"jsonrpc":"2.0","error":{"code":${code},"message":${JSON.stringify(message)}},"id":${id}}`

const isObjectOrList = (value: unknown): boolean => typeof value === 'object' && value !== null

const isObject = (value: unknown): value is Record<string, unknown> => isObjectOrList(value) && !Array.isArray(value)
