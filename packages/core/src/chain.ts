import type { Context, Handler, MaybePromise, Middleware } from './contract.ts'
import { hearing } from './hearing.ts'
import { fn } from './options.ts'
import { isPromise } from './promise.ts'
import { wantsStrictPaths, withStrictPaths } from './strict-paths.ts'

/**
 * Layers in the order in which a request meets them. Never changed in place: each call returns another chain. What is not a
 * function is refused at once (`BAD_OPTION`), so that a missing import shows when the program starts.
 */
export interface Chain<S extends object, Base extends object = S> {
  /** Adds a layer behind the others. A layer that adds state says so: `Middleware<Needs, Adds>` or `use<Adds>(…)`. */
  use<A extends object = {}>(layer: Middleware<S, A>): Chain<S & A, Base>
  /** Adds to the state what `derive` returns; its type is inferred. */
  provide<A extends object>(derive: (ctx: Context<S>) => MaybePromise<A>): Chain<S & A, Base>
  /** Ends the chain. Bound once, when the program starts: nothing is composed per request. */
  to(handler: Handler<S>): Handler<Base>
  /** The whole chain as one layer, to stand in front of a framework's handlers or inside another chain. */
  layer(): Middleware<Base, S>
}

/** The state that handlers behind a chain see: `StateOf<typeof members>`. */
export type StateOf<C> = C extends Chain<infer S, infer _> ? S : never

/**
 * Starts a chain. `Base` is the state that must be there already, for a chain that stands inside another.
 * @example chain().use(rateLimit({ limit: 100, per: '1m' })).use(auth(verify)).to(proxy(users))
 */
export function chain<Base extends object = {}>(): Chain<Base, Base> {
  return chainOf<Base, Base>([])
}

// Inside, layers are untyped functions: the builder above has already proved their order.
type Layer = (ctx: Context, next: Handler) => ReturnType<Handler>
type Derive = (ctx: Context) => MaybePromise<object>

function chainOf<S extends object, Base extends object>(layers: readonly Layer[]): Chain<S, Base> {
  return {
    use: (layer) => chainOf([...layers, checked<Layer>(layer, 'layer')]),
    provide: (derive) => chainOf([...layers, providing(checked<Derive>(derive, 'derive'))]),
    to: (handler) => ended(layers, checked<Handler>(handler, 'handler')) as unknown as Handler<Base>,
    layer: () => asLayer(layers) as unknown as Middleware<Base, S>,
  }
}

/** @throws GatewayError `BAD_OPTION` for what could not be called when a request comes */
function checked<F>(part: unknown, name: string): F {
  return fn()(part, name) as F
}

function ended(layers: readonly Layer[], last: Handler): Handler {
  return layers.length === 0 ? last : madeOf(bound(layers, hearing(last)), [...layers, last])
}

function bound(layers: readonly Layer[], last: Handler): Handler {
  return layers.reduceRight<Handler>((next, layer) => (ctx) => layer(ctx, next), last)
}

function providing(derive: Derive): Layer {
  return function provide(ctx, next) {
    const more = derive(ctx)
    return isPromise(more) ? more.then((added) => next(ctx.with(added))) : next(ctx.with(more))
  }
}

function asLayer(layers: readonly Layer[]): Layer {
  const only = layers[0]
  if (layers.length === 1 && only) return only
  // `next` is the same function for every request of one bound chain, so each is composed once.
  const composed = new WeakMap<Handler, Handler>()
  return madeOf(function chain(ctx: Context, next: Handler) {
    let handler = composed.get(next)
    if (!handler) {
      handler = bound(layers, next)
      composed.set(next, handler)
    }
    return handler(ctx)
  }, layers)
}

const made = new WeakMap<object, readonly unknown[]>()

function madeOf<F extends Handler | Layer>(whole: F, parts: readonly unknown[]): F {
  made.set(whole, parts)
  return parts.some(wantsStrictPaths) ? withStrictPaths(whole) : whole
}

/**
 * What a chain's layer or handler was made of, the outermost first, chains inside of it taken apart too; of anything else, itself.
 * For tools that describe what stands where.
 */
export function partsOf(whole: unknown): readonly unknown[] {
  const parts = typeof whole === 'function' ? made.get(whole) : undefined
  return parts ? parts.flatMap(partsOf) : [whole]
}
