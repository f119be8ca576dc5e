import { PushSource, type Source } from '@gatelet/core'
import type { ByteRange } from '../policy/types.ts'

/** Bytes of each block of a body but the last one. */
export const BLOCK_BYTES = 65_536

/** Some bytes of a body that lies in blocks, pushed at the reader's pace. @param blocks all but the last of `BLOCK_BYTES` */
export function bodyOfBlocks(blocks: readonly Uint8Array[], { start, end }: ByteRange): Source {
  let at = start
  let isPaused = false
  let isSending = false
  const send = () => {
    // Whoever is written to may say at once that it goes on.
    if (isSending) return
    isSending = true
    while (at <= end && !isPaused) {
      const block = blocks[Math.floor(at / BLOCK_BYTES)] as Uint8Array
      const from = at % BLOCK_BYTES
      const chunk = block.subarray(from, from + end - at + 1)
      at += chunk.byteLength
      if (!source.push(chunk)) isPaused = true
    }
    isSending = false
    if (at > end) source.end()
  }
  const source = new PushSource({
    start: send,
    pause() {
      isPaused = true
    },
    resume() {
      isPaused = false
      send()
    },
    cancel() {
      at = end + 1
    },
  })
  source.length = end - start + 1
  return source
}
