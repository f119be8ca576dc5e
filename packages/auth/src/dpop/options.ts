import { type Check, type Checks, type Clock, options, systemClock } from '@gatelet/core'
import { pepperCheck } from '../api-key/api-key.ts'
import { type Algorithm, algorithms, isSymmetric } from '../keys/fit.ts'
import { replayStoreCheck } from '../once.ts'
import { type ReplayStore, Replays } from './replays.ts'

/** What proofs of possession (DPoP, RFC 9449) must be. */
export interface DpopOptions {
  /** Which algorithms proofs may be signed with; asymmetric ones. Default `ES256`, `EdDSA`, `Ed25519`, `PS256` and `RS256`. */
  algorithms?: readonly Algorithm[]
  /** How old a proof may be, in milliseconds, 1,000 to 600,000. It may be from the future by as much as clocks differ. Default 60,000. */
  windowMs?: number
  /** By how much clocks may differ, in milliseconds, 0 to 60,000. Default 5,000. */
  toleranceMs?: number
  /**
   * What clients call this server by, when that is not what requests say: `https://api.example.com`. Behind a proxy that is trusted
   * requests say so themselves.
   */
  origin?: string
  /** Where used proofs are remembered. Default: the last 100,000 in this process, which is right for one process alone. */
  replays?: ReplayStore
  /**
   * A secret of at least 32 bytes, the same for all processes: then a proof must hold a nonce of this server (§8), which changes every
   * `windowMs`. So a proof cannot be made in advance. Default: none is asked for.
   */
  nonceSecret?: Uint8Array
}

/** `DpopOptions`, with every default filled in. */
export interface DpopRules {
  readonly algorithms: readonly Algorithm[]
  readonly windowMs: number
  readonly toleranceMs: number
  readonly origin: URL | undefined
  readonly replays: ReplayStore
  readonly nonceSecret: Uint8Array | undefined
  readonly clock: Clock
}

const { httpUrl, list, number, oneOf, optional, shape, wrong } = options

const asymmetric = algorithms.filter((algorithm) => !isSymmetric(algorithm))

const checks: Checks<Omit<DpopOptions, 'origin'> & { origin?: URL }> = {
  algorithms: optional(list(oneOf(...asymmetric), { min: 1, max: asymmetric.length })),
  windowMs: optional(number({ min: 1_000, max: 600_000, unit: 'ms' })),
  toleranceMs: optional(number({ min: 0, max: 60_000, unit: 'ms' })),
  origin: optional((value, path) => {
    const url = httpUrl(value, path)
    if (url.pathname !== '/' || url.search || url.hash)
      throw wrong(value, path, 'an origin without a path, such as https://api.example.com')
    return url
  }),
  replays: optional(replayStoreCheck),
  nonceSecret: optional(pepperCheck),
}

/** What `dpop` must be. */
export const dpopCheck = shape(checks) as unknown as Check<DpopOptions>

/** @param checked by `dpopCheck` */
export function dpopRules(checked: DpopOptions, clock: Clock = systemClock): DpopRules {
  const { origin, replays = new Replays(100_000, () => clock.date()), ...rest } = checked
  return {
    algorithms: ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'],
    windowMs: 60_000,
    toleranceMs: 5_000,
    nonceSecret: undefined,
    ...rest,
    origin: origin as URL | undefined,
    replays,
    clock,
  }
}
