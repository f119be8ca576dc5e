import type { ByteRange } from '@gatelet/cache'
import { PushSource, type Source } from '@gatelet/core'
import { CHUNK_BYTES } from './record.ts'

/**
 * Some bytes of a body that lies in chunks, each read when the one before has gone.
 * @param read rejects for a chunk that is not there, or not of this length: the body then breaks off
 */
export function chunkedBody(
  { start, end: asked }: ByteRange,
  bodyBytes: number,
  read: (chunk: number, bytes: number) => Promise<Uint8Array>,
): Source {
  // Nobody asks for more than there is; if they do, they get less.
  const end = Math.min(asked, bodyBytes - 1)
  let at = start
  let isPaused = false
  let isReading = false
  async function send(): Promise<void> {
    if (isReading) return
    isReading = true
    try {
      while (at <= end && !isPaused) {
        const place = Math.floor(at / CHUNK_BYTES)
        const chunk = await read(place, Math.min(CHUNK_BYTES, bodyBytes - place * CHUNK_BYTES))
        const from = at % CHUNK_BYTES
        const part = chunk.subarray(from, from + end - at + 1)
        at += part.byteLength
        if (!source.push(part)) isPaused = true
      }
      if (at > end) source.end()
    } catch (error) {
      source.fail(error instanceof Error ? error : new Error(String(error)))
    }
    isReading = false
  }
  const source = new PushSource({
    // What it throws ends the body.
    start: () => void send(),
    pause() {
      isPaused = true
    },
    resume() {
      isPaused = false
      void send()
    },
    cancel() {
      at = end + 1
    },
  })
  source.length = end - start + 1
  return source
}
