import type { Readable } from 'node:stream'
import { type Body, bytesOf, type Context, lengthOf, sourceOf, stopReason } from '@gatelet/core'
import { bodyError } from './body-error.ts'
import { StreamedBody } from './streamed-body.ts'

// Bodies up to this size are read before the upstream is asked: a third less CPU, half the memory, and the request can be
// sent again. Together they take no more than the second figure in one process; beyond it they stream.
const COLLECT_BYTES = 65_536
const COLLECT_TOTAL_BYTES = 67_108_864

let collectedBytes = 0

/** A request body as attempts need it. */
export interface RequestBody {
  /** Whether another attempt may send it: it is empty, collected, or nothing has come of it yet. */
  readonly isReplayable: boolean
  /** Whether several attempts may send it at the same time: it is empty, or collected. */
  readonly isHeld: boolean
  /** Bytes of a body that passes through as it comes, where known: they are then for us to announce. */
  readonly announced: number | undefined
  /** What was read of the request's own body, and is not there any more for others. */
  readonly taken: Uint8Array | undefined
  /** The body for one attempt, which reads nothing before it is connected. */
  forAttempt(): Uint8Array | Readable | null
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
  const isSmall = length !== undefined && length <= COLLECT_BYTES && collectedBytes + length <= COLLECT_TOTAL_BYTES
  if (!isSmall || ctx.request.headers.has('expect')) return new StreamedBody(body, length)
  return collected(ctx, body, length)
}

/** Bytes of request bodies that are held in this process now. */
export function heldBytes(): number {
  return collectedBytes
}

function collected(ctx: Context, body: Body, length: number): Promise<RequestBody> {
  collectedBytes += length
  ctx.onFinish(() => {
    collectedBytes -= length
  })
  return new Promise((resolve, reject) => {
    const source = sourceOf(body)
    const undo = ctx.onAbort(() => {
      source.cancel()
      reject(stopReason(ctx))
    })
    bytesOf(source, COLLECT_BYTES)
      .finally(undo)
      .then(
        (bytes) => resolve({ ...inMemory(bytes), taken: bytes }),
        (error: unknown) => reject(bodyError(error)),
      )
  })
}

function inMemory(bytes: Uint8Array | null): RequestBody {
  return { isReplayable: true, isHeld: true, announced: undefined, taken: undefined, forAttempt: () => bytes }
}

const noBody: RequestBody = inMemory(null)
