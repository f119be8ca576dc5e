import { type Check, type Checks, type Context, options } from '@gatelet/core'
import { type PathParams, pathBuilder } from '../build-path.ts'
import { mountedIn } from '../mounted.ts'
import type { ParamNames } from '../params.ts'
import { pattern } from '../pattern.ts'
import { mistake } from './mistake.ts'

/** Where a path leads instead: the `ReplaceFullPath` and `ReplacePrefixMatch` of the Gateway API. */
export interface NewPath<P extends string = string> {
  /** The whole path, filled with what the route captured. */
  path?: P
  /** What takes the place of what the mounted route matched. */
  prefix?: string
}

/**
 * What a path that names parameters needs to find in the state: at least one of them, as far as types can say it. All would not
 * fit a route whose pattern is no literal, as those of `createGateway`; one that is missing fails the request.
 */
export type PathState<P extends string> = string extends P
  ? {}
  : [ParamNames<P>] extends [never]
    ? {}
    : { params: Partial<PathParams<P>> }

/** A path with its parameters, checked and ready to be filled. */
type Fill = (params: Readonly<Record<string, string | number>>) => string

/** The checked form. */
export interface CheckedPath {
  path?: Fill | undefined
  prefix?: string | undefined
}

const template: Check<Fill> = (value, path) => {
  const { isPrefix, rest } = pattern(value, path)
  if (isPrefix && rest === undefined) throw options.wrong(value, path, 'a path whose rest has a name, as /*rest')
  return pathBuilder(value as string)
}

const prefix: Check<string> = (value, path) => {
  if (value === '' || value === '/') return ''
  const { segments, params, isPrefix } = pattern(value, path)
  if (params.length > 0 || isPrefix) throw options.wrong(value, path, 'a path without parameters')
  return `/${segments.join('/')}`.replace(/\/$/, '')
}

/** The checks of `NewPath`. */
export const newPathChecks: Checks<CheckedPath> = { path: options.optional(template), prefix: options.optional(prefix) }

/** @throws GatewayError `BAD_OPTION` for two paths */
export function checkOnePath(owner: string, given: NewPath): void {
  if (given.path === undefined || given.prefix === undefined) return
  throw mistake(owner, given.prefix, 'prefix', 'left out where there is a path')
}

/**
 * The new path of a request; undefined where it stays. Of the old one, what follows the prefix is taken over as it is.
 * @throws GatewayError `CHANGE_REFUSED` where no route has captured what the path names; `BAD_TARGET` for what no path can carry
 */
export function newPathOf({ path, prefix }: CheckedPath, ctx: Context): string | undefined {
  if (path) return path((ctx.state as { params?: Readonly<Record<string, string | number>> }).params ?? {})
  const mounted = prefix === undefined ? undefined : mountedIn(ctx)
  return mounted && (prefix + mounted.path.slice(mounted.end) || '/')
}
