import { Readable } from 'node:stream'
import { type Body, type Clock, GatewayError, lengthOf, type Reply, readableOf, transformed } from '@gatelet/core'
import { multipart } from '../policy/multipart.ts'
import type { Answer, ByteRange, StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'

/**
 * The reply that an answer and the body of its entry make.
 * @param meta those that the answer was made of
 * @throws what the store throws, and GatewayError `INTERNAL` for a body of another length than its meta data say
 */
export function storedReply({ status, headers, body }: Answer, entry: StoredEntry, meta: StoredMeta, clock: Clock): Reply {
  if (body === 'none') return { status, headers, body: null }
  if (body === 'whole') return { status, headers, body: exactly(entry.body(), meta.bodyBytes) }
  const [first, ...more] = body
  if (first && more.length === 0) return { status, headers, body: partOf(entry, first) }
  const { preambles, closing } = multipart(headers, body, meta.bodyBytes as number, boundary(clock))
  const parts = body.flatMap((range, at) => [() => preambles[at] as Uint8Array, () => partOf(entry, range)])
  return { status, headers, body: joined([...parts, () => closing]) }
}

/** Bytes that go with an answer, where they are known. */
export function bytesOfAnswer({ body }: Answer, meta: StoredMeta): number | undefined {
  if (body === 'none') return 0
  if (body === 'whole') return meta.bodyBytes
  return body.reduce((sum, { start, end }) => sum + end - start + 1, 0)
}

const partOf = (entry: StoredEntry, range: ByteRange): Body => exactly(entry.body(range), range.end - range.start + 1)

// A body that is too short or too long must break off, not pass for another one.
function exactly(body: Body, bytes: number | undefined): Body {
  if (bytes === undefined) return body
  const length = lengthOf(body)
  if (length !== undefined && length !== bytes) throw wrongLength()
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return body
  let left = bytes
  const counted = transformed(body, {
    chunk(chunk) {
      left -= chunk.byteLength
      if (left < 0) throw wrongLength()
      return chunk
    },
    end() {
      if (left > 0) throw wrongLength()
      return null
    },
  })
  return Object.assign(counted as Exclude<Body, null | string | Uint8Array>, { length: bytes })
}

const wrongLength = () => new GatewayError('INTERNAL', { message: 'the store gave a body of another length than it has' })

/** One body of many, each asked for when the one before has ended. */
function joined(parts: readonly (() => Body)[]): Body {
  return Readable.from(
    (async function* () {
      for (const part of parts) {
        const body = part()
        if (body instanceof Uint8Array) yield body
        else yield* readableOf(body)
      }
    })(),
    { objectMode: false },
  )
}

// 120 bits: nobody can put it into what is stored.
function boundary(clock: Clock): string {
  let text = ''
  while (text.length < 24)
    text += Math.floor(clock.random() * 2 ** 30)
      .toString(32)
      .padStart(6, '0')
  return text.slice(0, 24)
}
