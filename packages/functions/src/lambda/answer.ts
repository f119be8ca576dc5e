import { GatewayError, HeaderList, isHopByHop, type Reply } from '@gatelet/core'
import type { LambdaPayload } from './options.ts'

/** The answer of a function as a reply. @throws GatewayError `UPSTREAM_BAD_RESPONSE` for what is none */
export function replyOf(payload: Uint8Array, form: LambdaPayload): Reply {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8')
  const value = parsed(text === '' ? 'null' : text)
  const isStructured = isObject(value) && value['statusCode'] !== undefined
  if (isStructured) return structured(value)
  if (form !== '2.0') throw bad('it has no statusCode')
  // Format 2.0 takes any value for the body of a 200.
  const headers = new HeaderList({ 'content-type': 'application/json' })
  return { status: 200, headers, body: typeof value === 'string' ? value : JSON.stringify(value) }
}

/** Status and headers that a function wrote in front of a streamed body. @throws GatewayError `UPSTREAM_BAD_RESPONSE` */
export function headOf(prelude: string): Pick<Reply, 'status' | 'headers'> {
  const value = parsed(prelude)
  if (!isObject(value)) throw bad('its head is no object')
  return { status: statusOf(value['statusCode'] ?? 200), headers: headersOf(value) }
}

type Fields = Readonly<Record<string, unknown>>

function structured(value: Fields): Reply {
  return { status: statusOf(value['statusCode']), headers: headersOf(value), body: bodyOf(value) }
}

function statusOf(value: unknown): number {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
    throw bad('its statusCode is none from 200 to 599')
  return status
}

function headersOf({ headers, multiValueHeaders, cookies }: Fields): HeaderList {
  const list = new HeaderList()
  const multi = recordOf(multiValueHeaders, 'multiValueHeaders')
  const named = new Set(Object.keys(multi).map((name) => name.toLowerCase()))
  for (const [name, value] of Object.entries(recordOf(headers, 'headers'))) {
    if (!named.has(name.toLowerCase())) add(list, name, value)
  }
  for (const [name, values] of Object.entries(multi)) {
    if (!Array.isArray(values)) throw bad(`its multiValueHeaders have no list for ${name}`)
    for (const value of values) add(list, name, value)
  }
  if (cookies !== undefined && cookies !== null) {
    if (!Array.isArray(cookies)) throw bad('its cookies are no list')
    for (const cookie of cookies) add(list, 'set-cookie', cookie)
  }
  return list
}

function recordOf(value: unknown, what: string): Fields {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw bad(`its ${what} are no object`)
  return value
}

function add(list: HeaderList, name: string, value: unknown): void {
  // It is for us to say how the answer is framed.
  if (isHopByHop(name) || name.toLowerCase() === 'content-length') return
  if (value === null || value === undefined) return
  if (typeof value === 'object' || typeof value === 'function') throw bad(`its header ${name} is no text`)
  try {
    list.append(name, String(value))
  } catch (cause) {
    throw bad(`its header ${name} is not what HTTP allows`, cause)
  }
}

function bodyOf({ body, isBase64Encoded }: Fields): Reply['body'] {
  if (body === undefined || body === null) return null
  if (typeof body !== 'string') throw bad('its body is no text')
  if (isBase64Encoded !== true) return body
  if (!isBase64(body)) throw bad('its body is not base64')
  return Buffer.from(body, 'base64')
}

// Node reads what it can of anything. Line breaks are let through, as some encoders make them.
function isBase64(text: string): boolean {
  const dense = text.replace(/[\r\n]/g, '')
  return /^[A-Za-z0-9+/]*={0,2}$/.test(dense) && dense.replace(/=+$/, '').length % 4 !== 1
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw bad('it is no JSON', cause)
  }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

function bad(why: string, cause?: unknown): GatewayError {
  return new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the answer of the function cannot be used: ${why}`, cause })
}
