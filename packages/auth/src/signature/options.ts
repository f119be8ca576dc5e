import {
  type Check,
  type Checks,
  type Clock,
  checkOptions,
  isToken,
  type MaybePromise,
  options,
  systemClock,
} from '@gatelet/core'
import type { ReplayStore } from '../dpop/replays.ts'
import { replayStoreCheck } from '../once.ts'
import type { StructuredType } from './base.ts'
import { type Component, componentFrom } from './component.ts'
import { type SignatureKey, signatureKeyChecks, verifyingKey } from './signature-key.ts'

/** Which signatures of messages are taken. */
export interface HttpSignatureOptions {
  /**
   * The keys by their names (`keyid`), each for one algorithm; or what looks them up: undefined for one that is not known; throws or
   * rejects where that cannot be said: 503.
   */
  keys: Readonly<Record<string, SignatureKey>> | ((keyid: string) => MaybePromise<SignatureKey | undefined>)
  /**
   * What a signature must cover at least, as its identifiers: `@method`, `content-type`, `"@query-param";name="id"`. What says more will
   * do: `@target-uri` covers `@authority`, `@path` and `@query`. Default `@method`, `@authority`, `@path` and `@query`.
   */
  components?: readonly string[]
  /**
   * Whether a body must be covered by `Content-Digest` (RFC 9530; SHA-256 or SHA-512). `if-covered`: one that is not signed passes too.
   * Where it is covered the body is always checked: up to 64 KiB before anything goes on, more while it streams, when a wrong body ends
   * before its last bytes. Default `required`.
   */
  digest?: 'required' | 'if-covered'
  /** How old a signature may be, by its `created`, in milliseconds, 1,000 to 86,400,000. Default 300,000. */
  windowMs?: number
  /** By how much clocks may differ, in milliseconds, 0 to 300,000. Default 5,000. */
  toleranceMs?: number
  /** The label of the signature that counts, where there are several. Default: any; then a second one must have another `tag`. */
  label?: string
  /** The `tag` of the signature that counts, for what it was made. Default: any. */
  tag?: string
  /** Where used nonces are remembered; then each signature must have one. Default: a signature holds for its window. */
  replays?: ReplayStore
  /** What structured fields are, for components with `sf`; the fields of signatures and digests are known. */
  structured?: Readonly<Record<string, StructuredType>>
  /** What clients call this server by, where that is not what requests say: `https://api.example.com`. */
  origin?: string
  clock?: Clock
}

/** `HttpSignatureOptions`, checked, with every default filled in. */
export interface SignatureRules {
  readonly keys: (keyid: string) => MaybePromise<SignatureKey | undefined>
  readonly components: readonly Component[]
  readonly needsDigest: boolean
  readonly windowMs: number
  readonly toleranceMs: number
  readonly label: string | undefined
  readonly tag: string | undefined
  readonly replays: ReplayStore | undefined
  readonly structured: Readonly<Record<string, StructuredType>>
  readonly origin: URL | undefined
  readonly clock: Clock
}

const { httpUrl, list, number, oneOf, optional, record, shape, string, wrong } = options

const key: Check<SignatureKey> = (value, path) => {
  const checked = shape(signatureKeyChecks)(value, path)
  if (verifyingKey(checked)) return checked
  throw wrong(typeof checked.key, `${path}.key`, `a key for ${checked.algorithm}: public, or for HMAC a secret, and large enough`)
}

const component: Check<Component> = (value, path) => {
  const found = typeof value === 'string' ? componentFrom(value) : undefined
  if (found) return found
  throw wrong(value, path, 'a component such as @method, content-type or "@query-param";name="id"')
}

const types = record(oneOf('item', 'list', 'dictionary'))

const checks: Checks<Omit<HttpSignatureOptions, 'components' | 'origin'> & { components?: readonly Component[]; origin?: URL }> =
  {
    keys: (value, path) => {
      if (typeof value === 'function') return value as SignatureRules['keys']
      // Not what it is: it may be a secret.
      if (typeof value !== 'object') throw wrong(typeof value, path, 'keys by their names, or a function of the name')
      return record(key)(value, path)
    },
    components: optional(list(component, { min: 1, max: 32 })),
    digest: optional(oneOf('required', 'if-covered')),
    windowMs: optional(number({ min: 1_000, max: 86_400_000, unit: 'ms' })),
    toleranceMs: optional(number({ min: 0, max: 300_000, unit: 'ms' })),
    label: optional((value, path) => {
      if (typeof value === 'string' && /^[a-z*][a-z0-9_\-.*]*$/.test(value)) return value
      throw wrong(value, path, 'a label of small letters, digits and _-.*, such as sig1')
    }),
    tag: optional(string),
    replays: optional(replayStoreCheck),
    structured: optional((value, path) => {
      const checked = types(value, path)
      const bad = Object.keys(checked).find((name) => !isToken(name) || name !== name.toLowerCase())
      if (bad !== undefined) throw wrong(bad, path, 'an object of names of fields in small letters')
      return checked
    }),
    origin: optional((value, path) => {
      const url = httpUrl(value, path)
      if (url.pathname !== '/') throw wrong(value, path, 'an origin without a path, such as https://api.example.com')
      return url
    }),
    clock: optional(options.clock),
  }

const usual = ['@method', '@authority', '@path', '@query'].map((name) => componentFrom(name) as Component)

/** @throws GatewayError `BAD_OPTION` */
export function signatureRules(given: HttpSignatureOptions): SignatureRules {
  const { keys, digest = 'required', ...rest } = checkOptions('httpSignature', given, checks as Checks<HttpSignatureOptions>)
  return {
    components: usual,
    windowMs: 300_000,
    toleranceMs: 5_000,
    label: undefined,
    tag: undefined,
    replays: undefined,
    structured: {},
    origin: undefined,
    clock: systemClock,
    ...(rest as object),
    needsDigest: digest === 'required',
    keys: typeof keys === 'function' ? keys : (keyid) => (Object.hasOwn(keys, keyid) ? keys[keyid] : undefined),
  }
}
