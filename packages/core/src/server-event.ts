/** One event of `text/event-stream` (HTML §9.2). */
export interface ServerEvent<T = unknown> {
  /** A text goes as it is, anything else as JSON. Left out, no event is dispatched: for `id`, `retry` or `comment` alone. */
  data?: T
  /** The name that a page listens to. Default: `message`. */
  event?: string
  /** What the client sends back as `Last-Event-ID` when it connects again. An empty one forgets the last. */
  id?: string
  /** Milliseconds, whole, that the client waits before it connects again. */
  retry?: number
  /** What clients skip: a sign of life. */
  comment?: string
}

/**
 * One event as it goes over the wire, with the empty line behind it.
 *
 * Nothing in it can forge a field or another event: data and comments are split at CR, LF and CRLF, so that a client reads LF
 * for each of them; a name or an id that has one, or an id with NUL, cannot be said and is left out, as is a `retry` that is no
 * whole number.
 * @throws TypeError for data that JSON cannot say, such as a circle
 */
export function encodeEvent({ data, event, id, retry, comment }: ServerEvent): string {
  let text = ''
  if (comment !== undefined) text += lines(':', comment)
  if (event !== undefined && event !== '' && !/[\r\n]/.test(event)) text += `event: ${event}\n`
  // NUL in it makes a client ignore the field (§9.2.6).
  if (id !== undefined && !/[\r\n\0]/.test(id)) text += `id: ${id}\n`
  if (retry !== undefined && Number.isSafeInteger(retry) && retry >= 0) text += `retry: ${retry}\n`
  if (data !== undefined) text += lines('data:', typeof data === 'string' ? data : (JSON.stringify(data) ?? 'null'))
  return text === '' ? '' : `${text}\n`
}

const lines = (field: string, text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => `${field} ${line}\n`)
    .join('')
