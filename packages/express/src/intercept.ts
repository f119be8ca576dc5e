import type { ServerResponse } from 'node:http'
import { FrameworkExchange } from '@gatelet/node/toolkit'
import type { Hold } from './hold.ts'

/** Header fields as `writeHead` and `addTrailers` take them: an object, a flat list, or a list of pairs. */
export type Fields = Readonly<Record<string, unknown>> | readonly unknown[]

/** The methods of a response by which something leaves, and by which it tells that there is room. */
export interface Outlet {
  writeHead(status: number, reason?: string | Fields, fields?: Fields): ServerResponse
  write(chunk: unknown, encoding?: BufferEncoding | null, callback?: (error?: Error | null) => void): boolean
  end(chunk?: unknown, encoding?: BufferEncoding | null, callback?: () => void): ServerResponse
  flushHeaders(): void
  addTrailers(trailers: Fields): void
  on(event: string | symbol, listener: Listener): ServerResponse
}

export type Listener = (...args: unknown[]) => void

/** An exchange whose response can be held. */
export class ExpressExchange extends FrameworkExchange {
  /** The innermost hold that is reached by the prototype. */
  hold: Hold | undefined
  /** The innermost of all; each knows the one outside of it. */
  newest: Hold | undefined
  /** What the handlers believe to have done already. */
  believesHeadSent = false
  believesEnded = false

  protected override get isNeededLater(): boolean {
    return this.newest?.isAnswered === false || super.isNeededLater
  }

  believe(isHeadSent: boolean, isEnded: boolean): void {
    this.believesHeadSent = isHeadSent
    this.believesEnded = isEnded
  }
}

/**
 * Puts a hold before the methods of a response.
 *
 * Nearly always these are the prototype's, and there we stand already: a property of its own costs a response of Express
 * almost 1 µs each. Where other middleware has put its methods on the response itself (compression, sessions), ours go over
 * them: whoever did so before us stands outside of us.
 * @returns what stood there
 */
export function intercept(exchange: ExpressExchange, hold: Hold): Outlet {
  const { res } = exchange
  const held = heldPrototypeOf(res)
  exchange.newest = hold
  if (stands(held, res)) {
    const outlet = exchange.hold ?? new Beneath(res, Object.getPrototypeOf(held))
    exchange.hold = hold
    return outlet
  }
  const theirs = bound(res as unknown as Outlet)
  Object.assign(res, bound(hold))
  return theirs
}

// Who puts something on a response puts one of these there.
const stands = (held: ServerResponse, res: ServerResponse): boolean =>
  res.end === held.end && res.write === held.write && res.writeHead === held.writeHead

const outgoing = ['writeHead', 'write', 'end', 'flushHeaders', 'addTrailers', 'on'] as const
const settingHeaders = ['setHeader', 'appendHeader', 'setHeaders', 'removeHeader'] as const

function bound(outlet: Outlet): Outlet {
  return {
    writeHead: outlet.writeHead.bind(outlet),
    write: outlet.write.bind(outlet),
    end: outlet.end.bind(outlet),
    flushHeaders: outlet.flushHeaders.bind(outlet),
    addTrailers: outlet.addTrailers.bind(outlet),
    on: outlet.on.bind(outlet),
  }
}

/** The methods of the prototype beneath ours. */
class Beneath implements Outlet {
  private readonly res: ServerResponse
  private readonly prototype: Outlet

  constructor(res: ServerResponse, prototype: Outlet) {
    this.res = res
    this.prototype = prototype
  }

  writeHead(status: number, reason?: string | Fields, fields?: Fields): ServerResponse {
    return this.prototype.writeHead.call(this.res, status, reason, fields)
  }

  write(chunk: unknown, encoding?: BufferEncoding | null, callback?: (error?: Error | null) => void): boolean {
    return this.prototype.write.call(this.res, chunk, encoding, callback)
  }

  end(chunk?: unknown, encoding?: BufferEncoding | null, callback?: () => void): ServerResponse {
    return this.prototype.end.call(this.res, chunk, encoding, callback)
  }

  flushHeaders(): void {
    this.prototype.flushHeaders.call(this.res)
  }

  addTrailers(trailers: Fields): void {
    this.prototype.addTrailers.call(this.res, trailers)
  }

  on(event: string | symbol, listener: Listener): ServerResponse {
    return this.prototype.on.call(this.res, event, listener)
  }
}

const ownKey: unique symbol = Symbol('gatelet.held')
const heldOver = new WeakMap<object, ServerResponse>()

/**
 * Our prototype among those of a response; put there when it is missing. In Express it stands above `app.response` of the
 * outermost application, once for all its responses: one that was set on a response would be lost when the request enters
 * or leaves a sub-application, for Express sets prototypes then.
 */
function heldPrototypeOf(res: ServerResponse & { [ownKey]?: ServerResponse }): ServerResponse {
  const known = res[ownKey]
  if (known) return known
  const place = applicationResponse(res) ?? res
  const above: ServerResponse = Object.getPrototypeOf(place)
  const held = heldOver.get(above) ?? makeHeld(above)
  heldOver.set(above, held)
  Object.setPrototypeOf(place, held)
  return held
}

function applicationResponse(res: ServerResponse): object | undefined {
  let found: object | undefined
  for (let at = Object.getPrototypeOf(res); at; at = Object.getPrototypeOf(at)) if (Object.hasOwn(at, 'app')) found = at
  return found
}

/** A prototype whose methods ask for the hold of their response first. Without one, they are those of `above`. */
function makeHeld(above: ServerResponse): ServerResponse {
  const held = Object.create(above)
  Object.defineProperties(held, {
    [ownKey]: { value: held },
    headersSent: accessor((res) => exchangeOf(res)?.believesHeadSent || Reflect.get(above, 'headersSent', res)),
    writableEnded: accessor((res) => exchangeOf(res)?.believesEnded || Reflect.get(above, 'writableEnded', res)),
  })
  const methods = above as unknown as Methods
  for (const name of outgoing) {
    // None takes more than three. (`...args` would cost a list for each call.)
    held[name] = function (this: ServerResponse, a: unknown, b: unknown, c: unknown) {
      const hold = exchangeOf(this)?.hold as unknown as Methods | undefined
      return hold ? hold[name]?.(a, b, c) : methods[name]?.call(this, a, b, c)
    }
  }
  held.addListener = function (this: ServerResponse, event: string | symbol, listener: Listener) {
    return event === 'drain' ? this.on(event, listener) : methods['addListener']?.call(this, event, listener)
  }
  for (const name of ['removeListener', 'off'] as const) {
    held[name] = function (this: ServerResponse, event: string | symbol, listener: Listener) {
      if (event === 'drain') for (let hold = exchangeOf(this)?.newest; hold; hold = hold.outer) hold.room?.off(listener)
      return methods[name]?.call(this, event, listener)
    }
  }
  for (const name of settingHeaders) {
    held[name] = function (this: ServerResponse, field: unknown, value: unknown) {
      const exchange = exchangeOf(this)
      const isTooLate = exchange?.believesHeadSent === true
      // An error that nobody expects would end the process: these handlers do not know that they were not waited for.
      if (exchange?.newest?.isPassedOver && (isTooLate || exchange.isHeadOut)) return this
      if (isTooLate) throw headersSent(name === 'removeHeader' ? 'remove' : 'set')
      return methods[name]?.call(this, field, value)
    }
  }
  return held
}

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>

const exchangeOf = (res: ServerResponse) => FrameworkExchange.of(res) as ExpressExchange | undefined

const accessor = (get: (res: ServerResponse) => unknown): PropertyDescriptor => ({
  configurable: true,
  get(this: ServerResponse) {
    return get(this)
  },
})

/** The error that Node throws where headers come too late. */
export function headersSent(what: string): Error {
  const message = `Cannot ${what} headers after they are sent to the client`
  return Object.assign(new Error(message), { code: 'ERR_HTTP_HEADERS_SENT' })
}
