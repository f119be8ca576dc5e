import { type Duplex, Readable } from 'node:stream'
import { GatewayError } from './errors.ts'
import { GatheredBytes } from './gathered-bytes.ts'
import type { HeaderList } from './headers.ts'
import { PushSource } from './push-source.ts'
import { streamSourceOf } from './stream-source.ts'
import { teeSource } from './tee.ts'
import { throughStep, throughStream } from './through.ts'

/** What a message carries. Literals for authors, `Readable` for what Node gives, `Source` for what is proxied. */
export type Body = null | string | Uint8Array | Readable | Source

/**
 * The push stream of a body. It connects at first demand: building something over a source does not start it, so that
 * a streamed upload can still go to another endpoint when the first refuses. It can be used once.
 */
export interface Source {
  /**
   * Sends everything to `sink`, from now on. `sink` may be called before this returns.
   * @throws GatewayError `BODY_USED` when it was used already
   */
  pipeTo(sink: Sink): Flow
  /** The whole body if it is already here (null: it is empty), which uses the source up; undefined if it is not. */
  take(): Uint8Array | null | undefined
  /** Ends it early. Nothing more is pushed, and what produces it is told. Harmless when it is over. */
  cancel(reason?: Error): void
  /** Bytes, where that is known before the end. */
  readonly length?: number | undefined
}

/** Where a source pushes to. After `end` or `fail` nothing more comes. */
export interface Sink {
  /** @returns false when it is full: the source then pauses until `Flow.resume()` */
  write(chunk: Uint8Array): boolean
  end(trailers?: HeaderList): void
  fail(error: Error): void
}

/** The handle of the one who receives. */
export interface Flow {
  pause(): void
  resume(): void
}

/** One step over the chunks of a body, as they pass. */
export interface BodyStep {
  /** @returns what to send instead; null for nothing */
  chunk(chunk: Uint8Array): Uint8Array | null
  /** @returns what to send after the last chunk; null for nothing */
  end?(): Uint8Array | null
}

/** Any body as a source. */
export function sourceOf(body: Body): Source {
  if (body === null) return whole(null)
  if (typeof body === 'string') return whole(body === '' ? null : Buffer.from(body))
  if (body instanceof Uint8Array) return whole(body.byteLength === 0 ? null : body)
  if (body instanceof Readable) return streamSourceOf(body)
  return body
}

/** Whether a value can be a body. */
export function isBody(value: unknown): value is Body {
  if (value === null || typeof value === 'string') return true
  if (value instanceof Uint8Array || value instanceof Readable) return true
  const { pipeTo, take } = (value ?? {}) as Partial<Source>
  return typeof pipeTo === 'function' && typeof take === 'function'
}

/** Bytes, where that is known without reading. */
export function lengthOf(body: Body): number | undefined {
  if (body === null) return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.byteLength
  return body instanceof Readable ? undefined : body.length
}

/**
 * Reads a body to its end.
 * @param limit bytes; the body is cancelled when it has more
 * @throws GatewayError `BODY_TOO_LARGE`
 */
export async function bytesOf(body: Body, limit: number): Promise<Uint8Array> {
  const length = lengthOf(body)
  if (length !== undefined && length > limit) {
    discard(body)
    throw tooLarge(limit)
  }
  const source = sourceOf(body)
  const taken = source.take()
  if (taken && taken.byteLength > limit) throw tooLarge(limit)
  if (taken !== undefined) return taken ?? empty
  return new Promise((resolve, reject) => {
    const gathered = new GatheredBytes()
    source.pipeTo({
      write(chunk) {
        if (gathered.size + chunk.byteLength > limit) {
          source.cancel()
          reject(tooLarge(limit))
        } else {
          gathered.add(chunk)
        }
        return true
      },
      end: () => resolve(gathered.take()),
      fail: reject,
    })
  })
}

/**
 * A body as a Node stream that asks for nothing until it is read. Trailers do not come through. Who destroys it cancels the
 * body, read or not.
 */
export function readableOf(body: Body): Readable {
  if (body instanceof Readable) return body
  const source = sourceOf(body)
  let flow: Flow | undefined
  let connected = false
  const readable = new Readable({
    read() {
      if (flow) flow.resume()
      if (connected) return
      connected = true
      flow = source.pipeTo({
        write: (chunk) => readable.push(chunk),
        end: () => void readable.push(null),
        fail: (error) => void readable.destroy(error),
      })
    },
    destroy(error, done) {
      source.cancel(error ?? undefined)
      done(error)
    },
  })
  return readable
}

/** Two bodies out of one. The slower reader sets the pace; a cancelled one stops counting. */
export function tee(body: Body): [Body, Body] {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return [body, body]
  return teeSource(sourceOf(body))
}

/**
 * A body with its chunks changed on the way. Connects when it is read, not now.
 * @param step what to do with each chunk, or what makes a stream (`() => createGzip()`) for work that is not synchronous
 */
export function transformed(body: Body, step: BodyStep | (() => Duplex)): Body {
  return typeof step === 'function' ? throughStream(sourceOf(body), step) : throughStep(sourceOf(body), step)
}

/** Ends a body that nobody will read, so that what produces it is freed. */
export function discard(body: Body): void {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return
  sourceOf(body).cancel()
}

const empty = new Uint8Array(0)

const tooLarge = (limit: number) => new GatewayError('BODY_TOO_LARGE', { detail: `At most ${limit} bytes are allowed` })

function whole(bytes: Uint8Array | null): Source {
  const source = new PushSource(nothing)
  if (bytes) source.push(bytes)
  source.length = bytes ? bytes.byteLength : 0
  source.end()
  return source
}

const nothing = { pause() {}, resume() {}, cancel() {} }
