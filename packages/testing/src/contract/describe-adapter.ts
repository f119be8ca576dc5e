import { type Checks, checkOptions, options } from '@gatelet/core'
import { behindCases } from './adapter/behind.ts'
import { interimCases } from './adapter/interim.ts'
import { leavingCases } from './adapter/leaving.ts'
import { mountCases } from './adapter/mounts.ts'
import { parsedBodyCases } from './adapter/parsed-bodies.ts'
import { replyCases } from './adapter/replies.ts'
import { requestCases } from './adapter/requests.ts'
import type { ParserKind, StartAdapter } from './adapter/scene.ts'
import { streamCases } from './adapter/streams.ts'
import { upgradeCases } from './adapter/upgrades.ts'
import { type RunnerOptions, registerSuite, runnerChecks } from './suite.ts'

/** What an adapter can beyond what every adapter must, and where its cases are registered. */
export interface AdapterSuiteOptions extends RunnerOptions {
  /** Handshakes for WebSockets reach its layers. Default: true. */
  upgrades?: boolean
  /** It sends interim answers. Default: true. */
  interim?: boolean
  /** The body parsers that can stand in front of its layers. Default: none. */
  parsers?: readonly ParserKind[]
}

/**
 * Registers the cases that every adapter must pass, on real sockets: what layers see of requests, what becomes of their
 * replies, of streams and their failures, of clients that leave, of what stands behind the layers, of mounts, handshakes,
 * interim answers and bodies that were parsed before.
 * @param start plays a scene on a server of its own
 * @throws GatewayError `BAD_OPTION`
 */
export function describeAdapter(name: string, start: StartAdapter, given: AdapterSuiteOptions = {}): void {
  const checked = checkOptions<Given>('describeAdapter', { ...given, name, start }, checks)
  const { upgrades = true, interim = true, parsers = [] } = checked
  const cases = [
    ...requestCases(checked.start),
    ...replyCases(checked.start),
    ...streamCases(checked.start),
    ...leavingCases(checked.start),
    ...behindCases(checked.start),
    ...mountCases(checked.start),
    ...(interim ? interimCases(checked.start) : []),
    ...(upgrades ? upgradeCases(checked.start) : []),
    ...parsedBodyCases(checked.start, parsers),
  ]
  registerSuite(checked.name, cases, checked)
}

interface Given extends AdapterSuiteOptions {
  readonly name: string
  readonly start: StartAdapter
}

const { boolean, fn, list, oneOf, optional, string } = options

const checks: Checks<Given> = {
  ...runnerChecks,
  name: string,
  start: fn<StartAdapter>('a function that starts a scene'),
  upgrades: optional(boolean),
  interim: optional(boolean),
  parsers: optional(list(oneOf('json', 'urlencoded', 'text', 'raw'))),
}
