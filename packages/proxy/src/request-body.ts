import type { Readable } from 'node:stream'
import { type Body, bytesOf, type Context, lengthOf, sourceOf, stopReason } from '@gatelet/core'
import { bodyError } from './body-error.ts'
import { HOLD_BYTES, hold, letGo } from './held-bytes.ts'
import { StreamedBody } from './streamed-body.ts'

/** A request body as attempts need it. */
export interface RequestBody {
  /** Whether another attempt may send it: it is empty, collected, or what came of it was kept. */
  readonly isReplayable: boolean
  /** Whether several attempts may send it at the same time: it is empty, or collected. */
  readonly isHeld: boolean
  /** Bytes of a body that passes through as it comes, where known: they are then for us to announce. */
  readonly announced: number | undefined
  /** What was read of the request's own body, and is not there any more for others. */
  readonly taken: Uint8Array | undefined
  /** The body for one attempt, which reads nothing before it is connected. */
  forAttempt(): Uint8Array | Readable | null
  /** It is known what the client gets: no other attempt follows. */
  settled(): void
}

/**
 * Collects a body that is small and announced, streams any other.
 * @throws GatewayError `CLIENT_CLOSED`, and what else made the exchange stop
 */
export function requestBody(ctx: Context): RequestBody | Promise<RequestBody> {
  const { body } = ctx.request
  if (body === null) return noBody
  if (typeof body === 'string') return inMemory(Buffer.from(body))
  if (body instanceof Uint8Array) return inMemory(body)
  const length = lengthOf(body)
  const isSmall = length !== undefined && length <= HOLD_BYTES && !ctx.request.headers.has('expect')
  return isSmall && hold(length) ? collected(ctx, body, length) : new StreamedBody(body, length)
}

function collected(ctx: Context, body: Body, length: number): Promise<RequestBody> {
  ctx.onFinish(() => letGo(length))
  return new Promise((resolve, reject) => {
    const source = sourceOf(body)
    const undo = ctx.onAbort(() => {
      source.cancel()
      reject(stopReason(ctx))
    })
    bytesOf(source, HOLD_BYTES)
      .finally(undo)
      .then(
        (bytes) => resolve({ ...inMemory(bytes), taken: bytes }),
        (error: unknown) => reject(bodyError(error)),
      )
  })
}

function inMemory(bytes: Uint8Array | null): RequestBody {
  return { isReplayable: true, isHeld: true, announced: undefined, taken: undefined, forAttempt: () => bytes, settled() {} }
}

const noBody: RequestBody = inMemory(null)
