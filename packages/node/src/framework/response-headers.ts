import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HeaderList } from '@gatelet/core'
import type { ReplyHead } from '../reply-head.ts'

/**
 * What is set on a response, flat: name, value, name, value, … A field that is set several times comes several times. Names
 * are in lower case: Node tells them as they were set too, but at four times the cost.
 */
export function rawHeaders(res: ServerResponse): string[] {
  const raw: string[] = []
  const fields = res.getHeaders()
  for (const name in fields) {
    const value = fields[name]
    if (typeof value === 'string') raw.push(name, value)
    else if (Array.isArray(value)) for (const each of value) raw.push(name, String(each))
    else raw.push(name, String(value))
  }
  return raw
}

/** Sets the head of a reply that was made by layers. */
export function setHeaders(res: ServerResponse, { raw, close }: ReplyHead): void {
  setAll(res, raw, 0)
  if (close) res.setHeader('connection', 'close')
}

/**
 * Makes the fields of a response, which handlers have set, those of their reply as layers have left it. Nearly always these
 * have changed nothing, or added some: then only what was added is set.
 */
export function changeHeaders(res: ServerResponse, before: readonly string[], headers: HeaderList): void {
  const { raw } = headers
  if (!beginsWith(raw, before)) {
    for (let i = 0; i < before.length; i += 2) if (!headers.has(before[i] as string)) res.removeHeader(before[i] as string)
    for (const name of new Set(raw.filter((_, at) => at % 2 === 0))) {
      const values = valuesOf(raw, name)
      if (values.join() !== valuesOf(before, name).join()) res.setHeader(name, values)
    }
  } else if (raw.length > before.length) {
    setAll(res, raw, before.length)
  }
}

/** Makes the fields that frame the body fit the one that is sent. */
export function frameBody(res: ServerResponse, { contentLength, isChunked }: ReplyHead): void {
  if (contentLength === undefined) {
    if (res.hasHeader('content-length')) res.removeHeader('content-length')
  } else if (String(res.getHeader('content-length')) !== String(contentLength)) {
    res.setHeader('content-length', contentLength)
  }
  if (!isChunked && res.hasHeader('transfer-encoding')) res.removeHeader('transfer-encoding')
}

/** Puts back what was set before handlers began. */
export function restoreHeaders(res: ServerResponse, before: OutgoingHttpHeaders): void {
  for (const name of res.getHeaderNames()) if (!(name in before)) res.removeHeader(name)
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined && res.getHeader(name) !== value) res.setHeader(name, value)
  }
}

function beginsWith(raw: readonly string[], before: readonly string[]): boolean {
  if (raw.length < before.length) return false
  for (let i = 0; i < before.length; i++) if (raw[i] !== before[i]) return false
  return true
}

function setAll(res: ServerResponse, raw: readonly string[], from: number): void {
  for (let i = from; i < raw.length; i += 2) {
    const name = raw[i] as string
    const values = valuesOf(raw, name)
    res.setHeader(name, values.length === 1 ? (values[0] as string) : values)
  }
}

function valuesOf(raw: readonly string[], name: string): string[] {
  const lower = name.toLowerCase()
  const values: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const each = raw[i] as string
    if (each === name || each.toLowerCase() === lower) values.push(raw[i + 1] as string)
  }
  return values
}
