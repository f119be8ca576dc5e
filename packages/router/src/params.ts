/** The names of the parameters in a path pattern: `'team' | 'rest'` for `/teams/:team/*rest`. */
export type ParamNames<P extends string> = P extends `${infer Segment}/${infer More}`
  ? ParamNames<Segment> | ParamNames<More>
  : P extends `:${infer Name}` | `*${infer Name}`
    ? Exclude<Name, ''>
    : never

/**
 * What a path pattern captures. `W` are the rules of its parameters: see `ParamRule`. When the pattern is not a literal, any
 * name may or may not be there.
 */
export type Params<P extends string, W = {}> = string extends P
  ? { readonly [name: string]: string | ParamValue<W[keyof W]> }
  : P extends unknown // one of several literals gives one of several sets
    ? { readonly [Name in ParamNames<P>]: Name extends keyof W ? ParamValue<W[Name]> : string }
    : never

/** What a handler gets for a parameter with this rule. */
export type ParamValue<R> = R extends 'int'
  ? number
  : R extends readonly (infer Value)[] | Guard<infer Value>
    ? Value & string
    : string

type Guard<T> = (value: string) => value is T & string

/** What a router adds to the state. */
export interface RouteState<P extends string = string, W = {}> {
  /** What the pattern captured, percent-decoded; with it what the routers around this one captured. It inherits nothing. */
  readonly params: Params<P, W>
  /** The pattern that matched, from the outermost router on, as `/teams/:team/users/:id`. For metrics and logs. */
  readonly route: string
}

/** Why a path is refused by the compiler: a router around this one captures a parameter of the same name already. */
export interface ParamIsTaken<Name> {
  readonly name: Name
}

type TakenNames<S extends object, P extends string> = S extends { readonly params: infer Outer }
  ? string extends keyof Outer
    ? never
    : ParamNames<P> & keyof Outer
  : never

/** The pattern itself, unless it would hide a parameter that is in the state already. */
export type FreshPath<S extends object, P extends string> = [TakenNames<S, P>] extends [never]
  ? P
  : P & ParamIsTaken<TakenNames<S, P>>

/** Why a path is refused by the compiler: there is a rule for a parameter that it does not have. */
export interface ParamIsMissing<Name> {
  readonly name: Name
}

/** The pattern itself, unless there are rules `W` for parameters that it does not have. */
export type RuledPath<P extends string, W> = string extends P
  ? P
  : [Exclude<keyof W, ParamNames<P>>] extends [never]
    ? P
    : P & ParamIsMissing<Exclude<keyof W, ParamNames<P>>>
