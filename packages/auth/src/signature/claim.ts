import type { ReadonlyHeaders } from '@gatelet/core'
import { type BareItem, type InnerList, parseDictionary, serializeInnerList } from 'structured-headers'
import { type Component, componentOf } from './component.ts'

/** What a signature says that it is (RFC 9421 §2.3). Nothing of it is proved. */
export interface SignatureClaim {
  readonly label: string
  readonly components: readonly Component[]
  /** The value of `@signature-params`. */
  readonly params: string
  readonly signature: Buffer
  readonly keyid: string
  /** In seconds since 1970. */
  readonly created: number
  readonly expires: number | undefined
  readonly nonce: string | undefined
  readonly alg: string | undefined
}

/** Which signature of several is ours. */
export interface SignatureChoice {
  readonly label: string | undefined
  readonly tag: string | undefined
}

/**
 * Finds the signature of a request.
 * @returns undefined where there is none of ours; why it cannot be read, where there is one
 */
export function claimedSignature(headers: ReadonlyHeaders, choice: SignatureChoice): SignatureClaim | string | undefined {
  const input = headers.get('signature-input')
  const signature = headers.get('signature')
  if (input === undefined && signature === undefined) return undefined
  if (input === undefined || signature === undefined) return 'half-a-signature'
  if (input.length > MAX_FIELD || signature.length > MAX_FIELD) return 'too-long'
  try {
    const inputs = [...parseDictionary(input)].filter(([label, member]) => isOurs(label, member, choice))
    if (inputs.length > 1) return 'several-signatures'
    const [label, list] = inputs[0] ?? []
    if (label === undefined || list === undefined) return undefined
    const value = parseDictionary(signature).get(label)?.[0]
    if (!(value instanceof ArrayBuffer)) return 'half-a-signature'
    const bytes = Buffer.from(value)
    // In one way only: with other stray bits behind the last byte the same signature would be another text.
    if (!signature.includes(`${label}=:${bytes.toString('base64')}:`)) return 'malformed'
    return claimOf(label, list as InnerList, bytes)
  } catch {
    return 'malformed'
  }
}

const MAX_FIELD = 8_192
const MAX_COMPONENTS = 64
const MAX_TEXT = 512

function isOurs(label: string, [, params]: readonly [unknown, ReadonlyMap<string, BareItem>], choice: SignatureChoice): boolean {
  if (choice.label !== undefined && choice.label !== label) return false
  return choice.tag === undefined || params.get('tag') === choice.tag
}

const known = new Set(['created', 'expires', 'nonce', 'alg', 'keyid', 'tag'])

function claimOf(label: string, list: InnerList, signature: Buffer): SignatureClaim | string {
  const [items, params] = list
  if (!Array.isArray(items) || items.length > MAX_COMPONENTS) return 'malformed'
  if ([...params.keys()].some((name) => !known.has(name))) return 'unknown-parameter'
  const components = items.map(componentOf)
  if (!components.every((component) => component !== undefined)) return 'unknown-component'
  if (new Set(components.map(({ id }) => id)).size < components.length) return 'component-twice'
  const { created, expires, nonce, alg, keyid, tag } = Object.fromEntries(params)
  if (!isSeconds(created)) return 'no-date'
  if (expires !== undefined && !isSeconds(expires)) return 'malformed'
  if (![nonce, alg, keyid, tag].every(isShortText)) return 'malformed'
  if (keyid === undefined) return 'no-key-id'
  const texts = { nonce, alg, keyid } as { nonce: string | undefined; alg: string | undefined; keyid: string }
  return { label, components, params: serializeInnerList(list), signature, created, expires, ...texts }
}

const isSeconds = (value: unknown): value is number => Number.isInteger(value)

const isShortText = (value: unknown): boolean =>
  value === undefined || (typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT)
