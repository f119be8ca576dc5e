import type { AccessRecord } from './record.ts'

/** A record as one line of JSON, with nothing in it that a terminal or a reader of lines takes for more than text. */
export function jsonLine(record: AccessRecord): string {
  return `${JSON.stringify(record).replace(/[\x7f-\x9f\u2028\u2029]/g, escaped)}\n`
}

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A record as one line of the combined format: what Apache and nginx write, and everything that reads logs knows. */
export function combinedLine(record: AccessRecord): string {
  const { client, subject, time, method, path, query, protocol, status, sentBytes, referer, userAgent } = record
  const target = query === undefined ? path : `${path}?${query}`
  const request = quoted(method === '-' ? undefined : `${method} ${target} ${protocol}`)
  const who = subject === undefined ? '-' : plain(subject).replaceAll(' ', '%20')
  return `${client || '-'} - ${who} [${logTime(time)}] ${request} ${status} ${sentBytes ?? '-'} ${quoted(referer)} ${quoted(userAgent)}\n`
}

const quoted = (text: string | undefined): string => `"${text === undefined ? '-' : plain(text)}"`

// As nginx does: what could end a field or a line is `\xHH`.
function plain(text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** `12/Mar/2020:19:03:58 +0000` */
function logTime(iso: string): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(iso).toUTCString()) ?? []
  return `${day}/${month}/${year}:${time} +0000`
}
