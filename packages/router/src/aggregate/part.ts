import type { Context, Handler, MaybePromise } from '@gatelet/core'
import type { PathState } from '../filters/new-path.ts'
import type { StandardSchema } from '../validation/standard-schema.ts'
import type { Clipping } from './clipping.ts'
import { type PartSettings, partSettings } from './part-settings.ts'

/** A value that JSON has. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** What a part is asked. A path alone is short for it; a route that captures nothing of what it names does not compile then. */
export interface PartRequest {
  /** Default: `GET`. Not `HEAD`, whose answer is empty. */
  method?: string
  /**
   * For example `/users/:id`. Each `:name` is filled from `params`, else from the params of the route, and percent-encoded, so that
   * a value never becomes another path; one that is missing, empty, `.` or `..` fails the part. Default: the path that came.
   */
  path?: string
  /** For the `:name`s of `path`. */
  params?: Readonly<Record<string, string | number>>
  /** Encoded, and added to what `passQuery` lets through, of which it replaces the same names. Undefined values are left out. */
  query?: Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>
  /** Set over what is passed on. */
  headers?: Readonly<Record<string, string>>
  /** A string or bytes are sent as they are, everything else as JSON. Not with `GET`. */
  body?: unknown
}

/** A value of a query. */
export type QueryValue = string | number | boolean

/** One backend of an aggregated reply: whom to ask, what, and what of its JSON stands where. */
export interface PartOptions<
  T = JsonValue,
  S extends object = {},
  E extends PartsByName = {},
  F extends object = S,
  P extends string = string,
> extends Clipping {
  /** Who answers: a proxy, a function, another `aggregate`. */
  from: Handler<F>
  /**
   * Parts that must have answered before this one is asked, by the names that `request` knows them by. They need not be shown in
   * the reply. A part whose earlier part is missing is not asked, and fails too; where nothing is there (`notFound: 'null'`), nothing
   * is here either.
   */
  after?: E
  /** What is asked. As a function it gets the results of `after`. Default: `GET` of the path that came. */
  request?: P | PartRequest | ((ctx: Context<S>, earlier: Results<E>) => MaybePromise<string | PartRequest>)
  /**
   * Names of header fields of the client's request that are passed on, besides `Accept-Language`, `Traceparent`, `Tracestate`,
   * `X-Request-Id`, `Via`, `Forwarded` and `X-Forwarded-For`, `-Host`, `-Proto`, `-Port` and `-Prefix`. **Credentials are passed only
   * when named here**: a backend of somebody else must not get them by oversight. At most 100. Default: none.
   */
  passHeaders?: readonly string[]
  /** Names in the client's query that are passed on, at most 100, or `true` for the whole of it. Default: none. */
  passQuery?: true | readonly string[]
  /** Milliseconds, from when it is asked, to the end of its answer; never beyond the deadline of the request. Default: 10,000. */
  timeoutMs?: number
  /** Longest answer, in bytes, 1 to 64 MiB; unpacked where it comes packed. So much is held until the reply is made. Default: 1 MiB. */
  maxBytes?: number
  /**
   * Checks what `target` left and returns it as what it is: its type is what parts behind get. A function, or a schema (zod, valibot,
   * arktype). What it refuses is a part that failed.
   */
  read?: ((value: JsonValue) => MaybePromise<T>) | StandardSchema<unknown, T>
  /** The reply is made without it when it fails, and marked. Default: false, its failure is a 502. */
  optional?: boolean
  /**
   * What it means when it answers 404 or 410. `fail` (default): it failed. `pass`: so does the whole reply, without what the part
   * said. `null`: there is nothing, which is an answer like others.
   */
  notFound?: 'fail' | 'pass' | 'null'
  /** Passes its `Set-Cookie` on to the client; the reply is not stored then. Default: false. */
  setCookies?: boolean
}

declare const gives: unique symbol
declare const needs: unique symbol

/** One part, made by `part`. `T` is what it gives to those behind, `S` the state that it needs. */
export interface Part<out T = JsonValue, in S extends object = {}> extends AnyPart {
  // Phantoms: they exist in types only.
  readonly [gives]: T
  readonly [needs]: (state: S) => void
}

/** A part, whatever it gives and needs. */
interface AnyPart {
  readonly [gives]: unknown
  // Not a function of `never`: TypeScript would infer that as the state of a part that is written in place.
  readonly [needs]: unknown
}

/** Parts by their names. */
export type PartsByName = Readonly<Record<string, AnyPart>>

/** What parts give, by their names. */
type Results<E extends PartsByName> = { readonly [Name in keyof E]: E[Name][typeof gives] }

/** The state that all of them need. */
export type StateOfParts<E extends PartsByName> = {} extends E
  ? {}
  : { [Name in keyof E]: E[Name][typeof needs] }[keyof E] extends (state: infer S extends object) => void
    ? S
    : {}

/**
 * One part of an `aggregate`. It can stand in several, and be there for other parts only. That parts wait for each other for ever
 * cannot be written down: a part can only name those that were made before it.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const user = part({ from: proxy(users), request: '/users/:id', read: userSchema })
 * const orders = part({ from: proxy(orders), after: { user }, request: (_, { user }) => ({ path: '/orders', query: { of: user.account } }) })
 */
export function part<T = JsonValue, S extends object = {}, const P extends string = string>(
  options: PartOptions<T, S, {}, NoInfer<S>, P> & { after?: never },
): Part<T, S & PathState<P>>
export function part<T = JsonValue, S extends object = {}, E extends PartsByName = {}, const P extends string = string>(
  options: PartOptions<T, S, E, NoInfer<S>, P>,
): Part<T, S & PathState<P> & StateOfParts<E>>
export function part<
  T = JsonValue,
  S extends object = {},
  E extends PartsByName = {},
  F extends object = {},
  const P extends string = string,
>(options: PartOptions<T, S, E, F, P>): Part<T, F & S & PathState<P> & StateOfParts<E>>
export function part(options: object): AnyPart {
  const made = {} as AnyPart
  settings.set(made, partSettings(options, settingsOf))
  return made
}

// Beside the parts and not in them: what they are made of is nobody's business.
const settings = new WeakMap<object, PartSettings>()

/** Undefined for what `part` has not made. */
export function settingsOf(made: unknown): PartSettings | undefined {
  return typeof made === 'object' && made !== null ? settings.get(made) : undefined
}
