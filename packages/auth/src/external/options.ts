import { type Checks, type Clock, isHopByHop, options } from '@gatelet/core'
import type { Fetch } from '../keys/fetch-json.ts'
import type { Claims, PrincipalInit } from '../principal.ts'

/** Whom to ask about each request, and what its answer means. */
export interface ExternalAuthOptions<C extends object = Claims> {
  /** Where it is asked, by `GET` (by `POST` with `body`): an http or https URL. By http only over a line that nobody else can write on. */
  url: string
  /** Who is asking, from the answer: fields of its head by name, or a function. An answer that names nobody is no answer: 503. */
  identify: ExternalFields | ((answer: Headers) => ExternalPrincipal<C> | undefined)
  /**
   * Which of the client's fields are told. They may not be those that `identify` reads, nor `X-Forwarded-…`, in any spelling: what the
   * client writes there must not come back as the answer. Default `authorization` and `cookie`.
   */
  requestHeaders?: readonly string[]
  /** What the client is told of an answer that refuses. Default: the status and `WWW-Authenticate`. */
  refusals?: ExternalRefusals
  /** Tells the body, too, if it has at most so many bytes, 1 to 16,777,216; more is answered 413. Default: no body is read. */
  bodyBytes?: number
  /**
   * How long a permission is believed for requests that are told in the same words, address and path among them, in milliseconds,
   * 0 to 3,600,000. Default 0: each request asks.
   */
  cacheMs?: number
  /** The same for refusals, 0 to 600,000. Default 0. What sets a cookie is never remembered. */
  negativeCacheMs?: number
  /** Answers that are remembered, 100 to 1,000,000. Default 10,000. */
  cacheEntries?: number
  /** Questions that may be under way at the same time, 1 to 100,000; more are answered 503. Default 1,000. */
  maxPending?: number
  /** For each question, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** The longest body of an answer, in bytes, 0 to 1,048,576. One that is longer is no answer: 503. Default 65,536. */
  maxBytes?: number
  /** In place of Node's own `fetch`: for a proxy, or certificates of one's own. */
  fetch?: Fetch
  clock?: Clock
}

/** Names of fields in the head of an answer. Texts with commas or spaces between names are lists. */
export interface ExternalFields {
  /** Who it is: `remote-user`, `x-auth-request-user`. */
  subject: string
  scopes?: string
  /** `remote-groups`, `x-auth-request-groups`. */
  roles?: string
  /** What else is known, each by its field. */
  claims?: Readonly<Record<string, string>>
}

/** What a function reads from an answer. */
export type ExternalPrincipal<C extends object = Claims> = Omit<PrincipalInit<C>, 'scheme'>

/** What the client is told of an answer that refuses. */
export interface ExternalRefusals {
  /** Fields that are told besides `WWW-Authenticate`: `set-cookie`; of an answer that permits, `set-cookie` alone. Default: none. */
  headers?: readonly string[]
  /** Whether its body is told, as UTF-8, with its `Content-Type`. Default false: a problem is. */
  body?: boolean
  /** Whether the client is sent where a 3xx leads, by the `Location` that it has; otherwise that is a 401. Default false. */
  redirects?: boolean
}

const { boolean, either, fn, httpUrl, list, milliseconds, number, optional, record, shape, token, wrong } = options

const field = (value: unknown, path: string): string => token('x-user')(value, path).toLowerCase()

const framing: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'content-type', 'host', 'expect'])
const wholeField = (value: unknown, path: string): string => {
  const name = field(value, path)
  if (isHopByHop(name) || framing.has(name)) throw wrong(value, path, 'a field that does not say how a message is sent')
  return name
}

const fields: Checks<ExternalFields> = {
  subject: field,
  scopes: optional(field),
  roles: optional(field),
  claims: optional(record(field)),
}

const refusals: Checks<ExternalRefusals> = {
  headers: optional(list(wholeField, { max: 100 })),
  body: optional(boolean),
  redirects: optional(boolean),
}

/** The checks of `ExternalAuthOptions`. */
export const externalChecks: Checks<Omit<ExternalAuthOptions, 'url'> & { url: URL }> = {
  url: httpUrl,
  identify: either(
    'the names of fields { subject, … }, or a function of the answer',
    fn<(answer: Headers) => ExternalPrincipal | undefined>(),
    shape(fields),
  ),
  requestHeaders: optional(list(wholeField, { max: 100 })),
  refusals: optional(shape(refusals)),
  bodyBytes: optional(number({ min: 1, max: 16_777_216, integer: true })),
  cacheMs: optional(number({ min: 0, max: 3_600_000, unit: 'ms' })),
  negativeCacheMs: optional(number({ min: 0, max: 600_000, unit: 'ms' })),
  cacheEntries: optional(number({ min: 100, max: 1_000_000, integer: true })),
  maxPending: optional(number({ min: 1, max: 100_000, integer: true })),
  timeoutMs: optional(milliseconds()),
  maxBytes: optional(number({ min: 0, max: 1_048_576, integer: true })),
  fetch: optional(fn<Fetch>('a function such as fetch')),
  clock: optional(options.clock),
}
