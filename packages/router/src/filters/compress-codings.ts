import type { Duplex } from 'node:stream'
import * as zlib from 'node:zlib'

/** A content coding (RFC 9110 §8.4.1; RFC 8878 for `zstd`, RFC 7932 for `br`). */
export type Coding = 'br' | 'deflate' | 'gzip' | 'zstd'

/** How hard each coding tries: smaller for more work. */
export interface CompressLevels {
  /** 0 to 11. Default 4: about as fast as gzip. */
  br?: number
  /** 1 to 9. Default 6. */
  gzip?: number
  /** 1 to 9. Default 6. */
  deflate?: number
  /** 1 to 19. Default 3. */
  zstd?: number
}

/** What makes the stream for one reply. */
export type Compressor = (length: number | undefined, flushes: boolean) => Duplex

/** The codings of these that this version of Node has: `zstd` from 22.15 on. */
export function available(codings: readonly Coding[]): readonly Coding[] {
  return codings.filter((coding) => coding !== 'zstd' || zstdOf() !== undefined)
}

/**
 * @param flushes whether what is written is sent at once, as it must be where a client waits for it
 */
export function compressorsFor({ br = 4, gzip = 6, deflate = 6, zstd = 3 }: CompressLevels): Record<Coding, Compressor> {
  const deflating = (level: number, flushes: boolean): zlib.ZlibOptions =>
    flushes ? { level, flush: zlib.constants.Z_SYNC_FLUSH } : { level }
  return {
    gzip: (_, flushes) => zlib.createGzip(deflating(gzip, flushes)),
    deflate: (_, flushes) => zlib.createDeflate(deflating(deflate, flushes)),
    br: (length, flushes) => zlib.createBrotliCompress(brotli(br, length, flushes)),
    zstd(_, flushes) {
      // Offered only where it is.
      const { create, level, flush } = zstdOf() as Zstd
      return create({ params: { [level]: zstd }, ...(flushes && { flush }) })
    },
  }
}

const { constants } = zlib

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

interface Zstd {
  readonly create: (options: { params: Record<number, number>; flush?: number }) => Duplex
  readonly level: number
  readonly flush: number
}

// Not in the types of Node 20.
function zstdOf(): Zstd | undefined {
  const { createZstdCompress: create, constants } = zlib as unknown as {
    createZstdCompress?: Zstd['create']
    constants: { ZSTD_c_compressionLevel: number; ZSTD_e_flush: number }
  }
  return create && { create, level: constants.ZSTD_c_compressionLevel, flush: constants.ZSTD_e_flush }
}
