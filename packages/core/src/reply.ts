import type { Body } from './body.ts'
import type { Reply } from './contract.ts'
import { GatewayError } from './errors.ts'
import { HeaderList } from './headers.ts'

/** Status and headers of a reply that is made here. A number is the status. */
export type ReplyInit = number | { status?: number; headers?: Readonly<Record<string, string>> }

/** A reply of plain text, in UTF-8. @throws GatewayError `BAD_HEADER` */
export function text(body: string, init: ReplyInit = 200): Reply {
  return made(body, 'text/plain; charset=utf-8', init)
}

/** A reply of JSON. @throws TypeError for what JSON cannot say: a circle, a bigint, undefined; GatewayError `BAD_HEADER` */
export function json(value: unknown, init: ReplyInit = 200): Reply {
  const body: string | undefined = JSON.stringify(value)
  if (body === undefined) throw new TypeError(`JSON has no ${typeof value}`)
  return made(body, 'application/json', init)
}

/** A reply without content. */
export function empty(init: ReplyInit = 204): Reply {
  return made(null, undefined, init)
}

/** Members of a problem (RFC 9457), beside `title`, `status` and `code`. */
export interface ProblemInit {
  status: number
  /** A short sentence for people, the same for every occurrence. */
  title: string
  /** What was wrong this time. The client reads it: no addresses, no stacks. */
  detail?: string
  /** A URI that names the kind of problem. Default: `about:blank`, which is then left out. */
  type?: string
  headers?: Readonly<Record<string, string>>
  /** More members, for example `code`. */
  more?: Readonly<Record<string, unknown>>
}

/**
 * A reply of `application/problem+json` (RFC 9457), not to be stored unless its headers say otherwise. Made from a
 * `GatewayError`, it tells the code, the title and the detail, and nothing of the message or the cause.
 * @throws GatewayError `BAD_HEADER`
 */
export function problem(from: GatewayError | ProblemInit): Reply {
  const { status, title, detail, headers } = from
  const members =
    from instanceof GatewayError
      ? { title, status, code: from.code, detail }
      : { type: from.type, title, status, detail, ...from.more }
  const reply = made(JSON.stringify(members), 'application/problem+json', { status, headers: headers ?? {} })
  if (!reply.headers.has('cache-control')) reply.headers.set('cache-control', 'no-store')
  if (from instanceof GatewayError) errors.set(reply, from)
  return reply
}

// Beside the reply and not in it: what an error knows beyond its code is for logs.
const errors = new WeakMap<Reply, GatewayError>()

/** The error that `problem` made this reply of; undefined for every other reply. For layers that tell why, and for logs. */
export function problemOf(reply: Reply): GatewayError | undefined {
  return errors.get(reply)
}

function made(body: Body, type: string | undefined, init: ReplyInit): Reply {
  const { status, headers: own } = typeof init === 'number' ? { status: init, headers: undefined } : init
  const headers = new HeaderList(own)
  if (type !== undefined && !headers.has('content-type')) headers.set('content-type', type)
  return { status: status ?? (body === null ? 204 : 200), headers, body }
}
