import { type Checks, checkOptions, GatewayError, HeaderList, options, type Reply } from '@gatelet/core'
import type { Frame } from '../frame.ts'
import type { CallCodec, Match, OutgoingCall } from './codec.ts'
import { itemsOf } from './json-spans.ts'
import { rawId, rpcAnswers, rpcError, rpcRequest, withId } from './rpc-messages.ts'

/** How JSON-RPC is spoken. */
export interface JsonRpcOptions {
  /** Calls in one batch, 1 to 10,000; a longer one is refused with -32600. Default 100. */
  maxBatch?: number
  /** The HTTP status for the code of an error that answers a single call. Default: see `jsonRpc`. */
  statusOf?: (code: number) => number
  /** The message that takes a call back, where the server knows one. Batches are not taken back. */
  cancel?: (id: string) => Frame
}

/**
 * JSON-RPC 2.0: the body of a POST is a call, a notification, or a batch of them. The ids that clients give come back to them;
 * the server sees ours. All else of what either side says goes on byte for byte.
 *
 * The status of a single call's error is 400 for -32600 and -32602, 404 for -32601, 500 for -32700, -32603 and what servers
 * define themselves (-32000 to -32099), and 200 for errors of the application; of a batch, 200. Notifications get 202.
 * @throws GatewayError `BAD_OPTION`
 */
export function jsonRpc(given: JsonRpcOptions = {}): CallCodec {
  const { maxBatch = 100, statusOf = usualStatus, cancel } = checkOptions('jsonRpc', given, jsonRpcChecks)
  return {
    encode({ body, context }, id) {
      if (context.request.method !== 'POST') throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'POST' } })
      const text = jsonIn(body)
      if (text === undefined) return rpcReply(rpcError(-32_700, 'Parse error'), 400)
      if (!text.startsWith('[')) return single(text, id, statusOf, cancel)
      const items = itemsOf(text).map(({ start, end }) => text.slice(start, end))
      if (items.length > 0 && items.length <= maxBatch) return batch(items, id)
      return rpcReply(rpcError(-32_600, `A batch has 1 to ${maxBatch} calls`), 400)
    },
    // The calls of a batch have the id of the batch and their place in it.
    match: (frame): Match => rpcAnswers(textIn(frame))[0]?.id.split(':', 1)[0],
  }
}

type CallMade = OutgoingCall | Reply

function single(
  text: string,
  id: string,
  statusOf: (code: number) => number,
  cancel: ((id: string) => Frame) | undefined,
): CallMade {
  const request = rpcRequest(text)
  if (request.kind === 'invalid') return rpcReply(invalid, 400)
  if (request.kind === 'notification') return { frame: text, sent: taken }
  const answer = (frame: Frame): Reply => {
    const found = rpcAnswers(textIn(frame)).find((answer) => answer.id === id)
    if (!found) throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the answer to a call is that to a batch' })
    return rpcReply(withId(found, rawId(request)), found.errorCode === undefined ? 200 : statusOf(found.errorCode))
  }
  return { frame: withId(request, JSON.stringify(id)), answer, ...(cancel && { cancel: cancel(id) }) }
}

function batch(items: readonly string[], id: string): CallMade {
  const requests = items.map(rpcRequest)
  const errors = requests.flatMap(({ kind }) => (kind === 'invalid' ? [invalid] : []))
  if (errors.length === requests.length) return rpcReply(listed(errors), 400)
  // Under the id that the server sees, the one that the client gave.
  const ids = new Map<string, string>()
  const sent = requests.flatMap((request, at) => {
    if (request.kind === 'invalid') return []
    if (request.kind === 'notification') return [request.text]
    ids.set(`${id}:${at}`, rawId(request))
    return [withId(request, JSON.stringify(`${id}:${at}`))]
  })
  const frame = listed(sent)
  if (ids.size === 0) return { frame, sent: () => (errors.length > 0 ? rpcReply(listed(errors), 200) : taken()) }
  return { frame, answer: (answer) => rpcReply(listed([...answersTo(ids, textIn(answer)), ...errors]), 200) }
}

/** Each call gets one answer, also where the server has forgotten it or says two. */
function answersTo(ids: ReadonlyMap<string, string>, text: string): string[] {
  const left = new Map(ids)
  const answers = rpcAnswers(text).flatMap((answer) => {
    const id = left.get(answer.id)
    left.delete(answer.id)
    return id === undefined ? [] : [withId(answer, id)]
  })
  return [...answers, ...[...left.values()].map((id) => rpcError(-32_603, 'No answer came', id))]
}

function rpcReply(text: string, status: number): Reply {
  const headers = new HeaderList({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  return { status, headers, body: text }
}

const taken = (): Reply => ({ status: 202, headers: new HeaderList(), body: null })

const listed = (texts: readonly string[]): string => `[${texts.join(',')}]`

const invalid = rpcError(-32_600, 'Invalid Request')

/** The body as JSON without space around it; undefined when it is none, or no UTF-8. */
function jsonIn(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body).trim()
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

const textIn = (frame: Frame): string => (typeof frame === 'string' ? frame : Buffer.from(frame).toString())

function usualStatus(code: number): number {
  if (code === -32_601) return 404
  if (code === -32_600 || code === -32_602) return 400
  return code === -32_700 || code === -32_603 || (code >= -32_099 && code <= -32_000) ? 500 : 200
}

const { fn, number, optional } = options

const jsonRpcChecks: Checks<JsonRpcOptions> = {
  maxBatch: optional(number({ min: 1, max: 10_000, integer: true })),
  statusOf: optional(fn<(code: number) => number>('a function (code) => status')),
  cancel: optional(fn<(id: string) => Frame>('a function (id) => message')),
}
