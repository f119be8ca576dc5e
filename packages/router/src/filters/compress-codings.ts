import type { Duplex } from 'node:stream'
import * as zlib from 'node:zlib'

/** A content coding (RFC 9110 §8.4.1; RFC 8878 for `zstd`, RFC 7932 for `br`). */
export type Coding = 'br' | 'deflate' | 'gzip' | 'zstd'

/** How hard each coding tries: smaller for more work. */
export interface CompressLevels {
  /** 0 to 11. Default 4: about as fast as gzip. Content of up to 16 KiB that is all here is packed at once, at 6 at most. */
  br?: number
  /** 1 to 9. Default 6. */
  gzip?: number
  /** 1 to 9. Default 6. */
  deflate?: number
  /** 1 to 19. Default 3. Content of up to 16 KiB that is all here is packed at once, at 9 at most. */
  zstd?: number
}

/** What packs content in one coding. */
export interface Codec {
  /** @param flushes whether what is written is sent at once, as it must be where a client waits for it */
  stream(length: number | undefined, flushes: boolean): Duplex
  /** Packs what is here and small at once, which is three times cheaper. At the levels that take long, not as well as `stream`. */
  whole(bytes: Uint8Array): Uint8Array
}

/** The codings of these that this version of Node has: `zstd` from 22.15 on. */
export function available(codings: readonly Coding[]): readonly Coding[] {
  return codings.filter((coding) => coding !== 'zstd' || zstdOf() !== undefined)
}

export function codecs({ br = 4, gzip = 6, deflate = 6, zstd = 3 }: CompressLevels): Record<Coding, Codec> {
  return {
    gzip: {
      stream: (_, flushes) => zlib.createGzip(deflating(gzip, flushes)),
      whole: (bytes) => zlib.gzipSync(bytes, { level: gzip }),
    },
    deflate: {
      stream: (_, flushes) => zlib.createDeflate(deflating(deflate, flushes)),
      whole: (bytes) => zlib.deflateSync(bytes, { level: deflate }),
    },
    br: {
      stream: (length, flushes) => zlib.createBrotliCompress(brotli(br, length, flushes)),
      whole: (bytes) => zlib.brotliCompressSync(bytes, brotli(Math.min(br, QUICK_BROTLI), bytes.byteLength, false)),
    },
    // Offered only where it is.
    zstd: zstdCodec(zstd, zstdOf() as Zstd),
  }
}

// Beyond these, 16 KiB take milliseconds, in which nobody else is served.
const QUICK_BROTLI = 6
const QUICK_ZSTD = 9

const { constants } = zlib

const deflating = (level: number, flushes: boolean): zlib.ZlibOptions =>
  flushes ? { level, flush: constants.Z_SYNC_FLUSH } : { level }

function brotli(quality: number, length: number | undefined, flushes: boolean): zlib.BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      // 512 KiB instead of 4 MiB for each reply under way, for little: pages are smaller.
      [constants.BROTLI_PARAM_LGWIN]: 19,
      ...(length !== undefined && { [constants.BROTLI_PARAM_SIZE_HINT]: length }),
    },
    ...(flushes && { flush: constants.BROTLI_OPERATION_FLUSH }),
  }
}

function zstdCodec(level: number, zstd: Zstd): Codec {
  const options = (level: number, flushes: boolean): ZstdOptions => ({
    params: { [zstd.constants.ZSTD_c_compressionLevel]: level },
    ...(flushes && { flush: zstd.constants.ZSTD_e_flush }),
  })
  return {
    stream: (_, flushes) => zstd.createZstdCompress(options(level, flushes)),
    whole: (bytes) => zstd.zstdCompressSync(bytes, options(Math.min(level, QUICK_ZSTD), false)),
  }
}

// Not in the types of Node 20.
interface Zstd {
  readonly createZstdCompress: (options: ZstdOptions) => Duplex
  readonly zstdCompressSync: (bytes: Uint8Array, options: ZstdOptions) => Uint8Array
  readonly constants: { readonly ZSTD_c_compressionLevel: number; readonly ZSTD_e_flush: number }
}

interface ZstdOptions {
  readonly params: Readonly<Record<number, number>>
  readonly flush?: number
}

function zstdOf(): Zstd | undefined {
  return 'createZstdCompress' in zlib ? (zlib as unknown as Zstd) : undefined
}
