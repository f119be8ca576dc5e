import { HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { codeOf, type Status, statusNames } from '../status.ts'

/** How a call ended, by header fields or trailers; undefined where they do not say. */
export function statusIn(fields: ReadonlyHeaders | undefined): Status | undefined {
  const said = fields?.get('grpc-status')
  if (fields === undefined || said === undefined) return undefined
  const code = /^\d{1,2}$/.test(said) && Number(said) < statusNames.length ? Number(said) : codeOf('UNKNOWN')
  const details = fields.get('grpc-status-details-bin')
  return {
    code,
    message: decodedMessage(fields.get('grpc-message') ?? ''),
    details: details === undefined ? undefined : Buffer.from(details, 'base64'),
  }
}

/** The trailers that say how a call ended. */
export function statusFields({ code, message, details }: Status): HeaderList {
  const fields = new HeaderList([['grpc-status', String(code)]])
  if (message !== '') fields.set('grpc-message', encodedMessage(message))
  if (details) fields.set('grpc-status-details-bin', Buffer.from(details).toString('base64'))
  return fields
}

/** Text as `grpc-message` carries it (gRPC over HTTP/2, "Status-Message"): UTF-8, percent-encoded but for printable ASCII. */
export function encodedMessage(text: string): string {
  return text.replace(/[^ -$&-~]+/g, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** The text of `grpc-message`. What is not encoded rightly stays as it is: a message must never be lost for it. */
export function decodedMessage(value: string): string {
  const bytes = Buffer.from(
    value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  return bytes.toString('utf8')
}
