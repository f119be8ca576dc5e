import { GatewayError, type HeaderList, type ReadonlyHeaders } from '@gatelet/core'

/** What a body parser left behind. */
export interface ParsedBody {
  readonly value: unknown
  /** The bytes as they were before parsing, without their coding, where somebody kept them; text counts as UTF-8. */
  readonly raw: unknown
}

/**
 * The bytes of a body that was parsed before anybody could send it on: those that were kept, else JSON, form fields or text
 * written anew. Never a guess: what cannot be written as it came is refused.
 * @throws GatewayError `BODY_PARSED`
 */
export function bytesOfParsed({ value, raw }: ParsedBody, contentType: string): Uint8Array {
  if (raw instanceof Uint8Array) return raw
  if (typeof raw === 'string') return Buffer.from(raw)
  if (value instanceof Uint8Array) return value
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isJson = /^application\/(.+\+)?json$/.test(type)
  // A string may be the text of the JSON, from a parser for texts, or the value that it stands for.
  if (isJson && value !== undefined && typeof value !== 'string') return Buffer.from(JSON.stringify(value))
  if (typeof value === 'string' && !isJson && !type.startsWith('multipart/')) return Buffer.from(value)
  if (isObject(value) && type === 'application/x-www-form-urlencoded') return Buffer.from(formOf(value))
  throw new GatewayError('BODY_PARSED', {
    message: `a body of type ${type || 'unknown'} was read before the layer that sends it on; place that layer before the parser, or keep the bytes as rawBody`,
  })
}

/** The header fields that fit such a body: without the framing and the coding of the one that came. */
export function headersOfParsed(headers: ReadonlyHeaders, { value, raw }: ParsedBody): HeaderList {
  const kept = headers.clone()
  for (const name of ['content-length', 'transfer-encoding', 'content-encoding', 'expect']) kept.delete(name)
  const type = kept.get('content-type')
  const isWrittenAnew = typeof raw === 'string' || !(raw instanceof Uint8Array || value instanceof Uint8Array)
  if (type !== undefined && isWrittenAnew && charset.test(type)) kept.set('content-type', type.replace(charset, '$1utf-8'))
  return kept
}

const charset = /(;\s*charset=)(?:"[^"]*"|[^\s;]+)/i

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** `a=1&a=2&user[name]=Ada`: a list of plain values repeats its name, what is nested gets brackets. */
function formOf(fields: object): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => pairsOf(name, value))
    .join('&')
}

function pairsOf(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((each, at) => pairsOf(isObject(each) ? `${name}[${at}]` : name, each))
  if (isObject(value)) return Object.entries(value).flatMap(([key, each]) => pairsOf(`${name}[${key}]`, each))
  return [`${formText(name)}=${formText(value === undefined || value === null ? '' : String(value))}`]
}

const formText = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
