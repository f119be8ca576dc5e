import assert from 'node:assert/strict'
import { type Check, type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import type { LayerOver } from '../exchange.ts'
import type { CallRequest, RequestLike } from '../request.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { askingCases } from './middleware/asking.ts'
import { errorCases } from './middleware/errors.ts'
import { replyCases } from './middleware/replies.ts'
import { stateCases } from './middleware/state.ts'
import { longForm } from './middleware/subject.ts'
import { type Case, type RunnerOptions, registerSuite, runnerChecks } from './suite.ts'

/** Makes one layer for a case. It must let a hundred requests through: a limiter needs a limit beyond that. */
export type MakeLayer<S extends object> = (env: { readonly clock: VirtualClock }) => LayerOver<S>

/** What a layer does beyond handing on, and where its cases are registered. */
export interface MiddlewareSuiteOptions<S extends object = {}> extends RunnerOptions {
  /** What earlier layers have learned, where it reads that. Default: nothing. */
  state?: S
  /** The keys that it adds to the state. Default: none. */
  adds?: readonly string[]
  /** A request that it lets through. Default: `GET /`. */
  passes?: RequestLike
  /** A request that it answers by itself, by a method without a body: then handshakes and HEAD must be refused too. Default: none. */
  refuses?: RequestLike
  /** It may ask next more than once, as a retry does. Default: false. */
  asksAgain?: boolean
  /** It makes replies out of what next throws. Default: false. */
  catches?: boolean
  /** It changes what is in a body, as compression does. Default: false. */
  changesBody?: boolean
  /** It reads a reply to its end before it hands it on. Default: false. */
  buffers?: boolean
  /** It reads the body of requests. Default: false. */
  readsBody?: boolean
  /** Calls with options that are not right, by what is wrong: each must throw `BAD_OPTION` at once. Default: none. */
  mistakes?: Readonly<Record<string, () => unknown>>
}

/**
 * Registers the cases that every layer must pass: it asks next once and in the same exchange, hands on replies, streams and
 * upgrades, lets errors through, ends what it drops, refuses a HEAD and a handshake as it refuses any request, keeps requests
 * apart and leaves nothing behind.
 * @throws GatewayError `BAD_OPTION`
 * @example describeMiddleware('rateLimit', ({ clock }) => rateLimit({ limit: 1000, per: '1m', clock }), { describe, test })
 */
export function describeMiddleware<S extends object = {}>(
  name: string,
  make: MakeLayer<S>,
  given: MiddlewareSuiteOptions<S> = {},
): void {
  const checked = checkOptions<Given>('describeMiddleware', { ...given, name, make }, checks)
  const { state = {}, passes = '/', refuses, adds = [] } = checked
  const { asksAgain = false, catches = false, changesBody = false, buffers = false, readsBody = false } = checked
  const subject = {
    make: checked.make,
    state,
    passes: longForm(passes),
    refuses: refuses === undefined ? undefined : longForm(refuses),
  }
  const cases = [
    ...askingCases(subject, asksAgain),
    ...replyCases(subject, { changesBody, buffers }),
    ...errorCases(subject, catches),
    ...stateCases(subject, adds, readsBody),
    ...Object.entries(checked.mistakes ?? {}).map(mistakeCase),
  ]
  registerSuite(checked.name, cases, checked)
}

function mistakeCase([what, work]: [string, () => unknown]): Case {
  return {
    name: `stops the start for ${what}`,
    run: () =>
      assert.throws(work, (error) => {
        assert.ok(error instanceof GatewayError && error.code === 'BAD_OPTION', `it threw ${String(error)}`)
        return true
      }),
  }
}

interface Given extends MiddlewareSuiteOptions<object> {
  readonly name: string
  readonly make: MakeLayer<object>
}

const { boolean, either, fn, list, optional, record, string, wrong } = options

const request: Check<RequestLike> = either('a path, a method and a path, or an object', string, (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, path, 'an object')
  return value as CallRequest
})

const checks: Checks<Given> = {
  ...runnerChecks,
  name: string,
  make: fn<MakeLayer<object>>('a function that makes a layer'),
  state: optional(record(options.anything)),
  adds: optional(list(string)),
  passes: optional(request),
  refuses: optional(request),
  asksAgain: optional(boolean),
  catches: optional(boolean),
  changesBody: optional(boolean),
  buffers: optional(boolean),
  readsBody: optional(boolean),
  mistakes: optional(record(fn<() => unknown>('a function that makes a layer'))),
}
