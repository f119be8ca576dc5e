import { HeaderList } from '@gatelet/core'

/** An HTTP/1 response as it was found among the bytes, right or wrong. */
export interface RawResponse {
  readonly version: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  /** Without chunk framing. */
  readonly body: Buffer
  /** The body as UTF-8. */
  readonly text: string
  readonly trailers: HeaderList
  /** Whether its end came. A body without framing ends with the connection. */
  readonly complete: boolean
  /** Where it ends among the bytes. */
  readonly end: number
}

/** What cannot be seen in the bytes of a response. */
export interface ParseOptions {
  /** Nothing more will come. */
  isClosed: boolean
  /** They answer a HEAD: no response has a body. Default: false. */
  toHead?: boolean
}

/**
 * Finds the responses among bytes, interim ones too, and takes what is wrong as it is: bare LF, no reason, unknown
 * versions. The last may be incomplete. What is no response ends the list.
 */
export function parseResponses(bytes: Uint8Array, options: ParseOptions): RawResponse[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: RawResponse[] = []
  for (let at = 0; at < all.byteLength; ) {
    const response = parseOne(all, at, options)
    if (!response) break
    found.push(response)
    at = response.end
  }
  return found
}

function parseOne(all: Buffer, start: number, { isClosed, toHead = false }: ParseOptions): RawResponse | undefined {
  const head = headAt(all, start)
  if (!head) return undefined
  const [first = '', ...lines] = head.lines
  const [, version, status, reason = ''] = /^HTTP\/(\S+) +(\d{3})(?: (.*))?$/.exec(first) ?? []
  if (version === undefined) return undefined
  const headers = fieldsOf(lines)
  const { body, end, complete, trailers } = bodyAt(all, head.end, Number(status), headers, isClosed, toHead)
  return { version, status: Number(status), reason, headers, body, text: body.toString(), trailers, complete, end }
}

interface Found {
  readonly body: Buffer
  readonly end: number
  readonly complete: boolean
  readonly trailers: HeaderList
}

function bodyAt(all: Buffer, at: number, status: number, headers: HeaderList, isClosed: boolean, toHead: boolean): Found {
  const trailers = new HeaderList()
  // After a 101 the bytes are another protocol's.
  if (status === 101) return { body: all.subarray(at), end: all.byteLength, complete: true, trailers }
  if (toHead || status < 200 || status === 204 || status === 304)
    return { body: all.subarray(at, at), end: at, complete: true, trailers }
  if (/\bchunked\s*$/i.test(headers.get('transfer-encoding') ?? '')) return chunksAt(all, at)
  const length = Number.parseInt(headers.get('content-length') ?? '', 10)
  if (Number.isNaN(length)) return { body: all.subarray(at), end: all.byteLength, complete: isClosed, trailers }
  const body = all.subarray(at, at + length)
  return { body, end: at + body.byteLength, complete: body.byteLength === length, trailers }
}

function chunksAt(all: Buffer, start: number): Found {
  const chunks: Buffer[] = []
  let at = start
  const found = (complete: boolean, trailers = new HeaderList()) => ({ body: Buffer.concat(chunks), end: at, complete, trailers })
  for (;;) {
    const lineEnd = all.indexOf('\n', at)
    const size = Number.parseInt(all.toString('latin1', at, lineEnd), 16)
    if (lineEnd < 0 || Number.isNaN(size)) {
      at = all.byteLength
      return found(false)
    }
    if (size === 0) {
      const end = headAt(all, lineEnd + 1)
      at = end?.end ?? all.byteLength
      return found(end !== undefined, fieldsOf(end?.lines ?? []))
    }
    const data = all.subarray(lineEnd + 1, lineEnd + 1 + size)
    chunks.push(data)
    at = Math.min(all.byteLength, lineEnd + 1 + size + 2)
    if (data.byteLength < size) return found(false)
  }
}

/** The lines up to an empty one. */
function headAt(all: Buffer, start: number): { lines: string[]; end: number } | undefined {
  const lines: string[] = []
  for (let at = start; ; ) {
    const end = all.indexOf('\n', at)
    if (end < 0) return undefined
    const line = all.toString('latin1', at, end).replace(/\r$/, '')
    at = end + 1
    if (line === '') return { lines, end: at }
    lines.push(line)
  }
}

function fieldsOf(lines: readonly string[]): HeaderList {
  return HeaderList.fromRaw(
    lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
    }),
  )
}
