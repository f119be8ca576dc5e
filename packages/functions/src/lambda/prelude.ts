import { GatewayError } from '@gatelet/core'

const MAX_PRELUDE_BYTES = 65_536

// What ends the head of a streamed answer.
const DELIMITER = Buffer.alloc(8)

/** A streamed answer in two: what was written as its head, and the rest. */
export interface Split {
  readonly prelude: string
  readonly rest: AsyncGenerator<Uint8Array, void, undefined>
}

/**
 * Reads the head of a streamed answer: JSON, then eight NUL bytes, wherever the chunks have their borders. When nobody reads the
 * rest, its `return` ends the answer.
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` for more than 65,536 bytes without an end, or none
 */
export async function splitPrelude(answer: AsyncIterable<Uint8Array>): Promise<Split> {
  const chunks = answer[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) throw bad('it ended within its head')
    const from = Math.max(0, head.byteLength - DELIMITER.byteLength + 1)
    head = Buffer.concat([head, value])
    const at = head.indexOf(DELIMITER, from)
    if (at > MAX_PRELUDE_BYTES || (at < 0 && head.byteLength > MAX_PRELUDE_BYTES + DELIMITER.byteLength)) {
      await chunks.return?.()
      throw bad(`its head has more than ${MAX_PRELUDE_BYTES} bytes`)
    }
    if (at >= 0) return { prelude: head.toString('utf8', 0, at), rest: following(head.subarray(at + 8), chunks) }
  }
}

async function* following(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (first.byteLength > 0) yield first
    for (;;) {
      const { done, value } = await chunks.next()
      if (done) return
      if (value.byteLength > 0) yield value
    }
  } finally {
    await chunks.return?.()
  }
}

const bad = (why: string) =>
  new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the streamed answer of the function cannot be used: ${why}` })
