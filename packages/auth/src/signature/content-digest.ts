import { createHash, type Hash, timingSafeEqual } from 'node:crypto'
import { type Body, type Flow, GatewayError, lengthOf, type Sink, type Source, sourceOf } from '@gatelet/core'
import { parseDictionary } from 'structured-headers'

/** What a body must hash to. */
export interface ContentDigest {
  readonly hash: 'sha256' | 'sha512'
  readonly value: Buffer
}

const hashes: Readonly<Record<string, ContentDigest['hash']>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' }
const sizes = { sha256: 32, sha512: 64 } as const

/**
 * Reads `Content-Digest` (RFC 9530 §2). Algorithms other than SHA-256 and SHA-512 are passed over.
 * @param members which ones to read; undefined: all
 * @returns undefined where there is none that can be checked, or one that is not written as it must be
 */
export function contentDigests(field: string | undefined, members?: ReadonlySet<string>): readonly ContentDigest[] | undefined {
  if (field === undefined || field.length > MAX_FIELD) return undefined
  try {
    const digests: ContentDigest[] = []
    for (const [name, [value]] of parseDictionary(field)) {
      const hash = Object.hasOwn(hashes, name) && members?.has(name) !== false ? hashes[name] : undefined
      if (hash === undefined) continue
      if (!(value instanceof ArrayBuffer) || value.byteLength !== sizes[hash]) return undefined
      digests.push({ hash, value: Buffer.from(value) })
    }
    return digests.length > 0 ? digests : undefined
  } catch {
    return undefined
  }
}

const MAX_FIELD = 4_096

/** Whether a body that is here already is the right one. */
export function isBodyOf(digests: readonly ContentDigest[], bytes: Uint8Array | string): boolean {
  const running = new RunningDigests(digests)
  running.update(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
  return running.areRight()
}

/** The body, which fails at its end when it is not the right one. Who reads it never gets the last chunk of a wrong one. */
export function checkedBody(body: Body, digests: readonly ContentDigest[]): Source {
  return new CheckedBody(body, digests)
}

class RunningDigests {
  private readonly running: readonly (readonly [Hash, Buffer])[]

  constructor(digests: readonly ContentDigest[]) {
    this.running = digests.map(({ hash, value }) => [createHash(hash), value] as const)
  }

  update(chunk: Uint8Array): void {
    for (const [hash] of this.running) hash.update(chunk)
  }

  /** To be asked once. */
  areRight(): boolean {
    return this.running.every(([hash, value]) => timingSafeEqual(hash.digest(), value))
  }
}

class CheckedBody implements Source {
  readonly length: number | undefined
  private readonly source: Source
  private readonly digests: RunningDigests

  constructor(body: Body, digests: readonly ContentDigest[]) {
    this.length = lengthOf(body)
    this.source = sourceOf(body)
    this.digests = new RunningDigests(digests)
  }

  // Each chunk goes on when the next one is here: of a length that was announced the upstream never gets all, so that it does not take
  // a wrong body for a whole one.
  pipeTo(sink: Sink): Flow {
    let held: Uint8Array | undefined
    return this.source.pipeTo({
      write: (chunk) => {
        if (chunk.byteLength === 0) return true
        this.digests.update(chunk)
        const before = held
        held = chunk
        return before === undefined || sink.write(before)
      },
      end: (trailers) => {
        if (!this.digests.areRight()) return sink.fail(wrongBody())
        if (held) sink.write(held)
        sink.end(trailers)
      },
      fail: (error) => sink.fail(error),
    })
  }

  // It is looked at on its way.
  take(): undefined {
    return undefined
  }

  cancel(reason?: Error): void {
    this.source.cancel(reason)
  }
}

const wrongBody = () => new GatewayError('BAD_CREDENTIALS', { detail: 'The body is not the one that Content-Digest tells of' })
