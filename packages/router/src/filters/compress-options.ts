import { type Check, type Checks, type Context, options, type Reply } from '@gatelet/core'
import type { Coding, CompressLevels } from './compress-codings.ts'

type LeaveOut<S extends object = {}> = (ctx: Context<S>, reply: Reply) => boolean

/** Which replies are compressed, and how. */
export interface CompressOptions<S extends object = {}> {
  /**
   * What is offered; of what a client likes equally, the first. `zstd` is left out where Node has none (before 22.15).
   * Default: `zstd`, `br`, `gzip`, `deflate`.
   */
  codings?: readonly Coding[]
  /** How hard each coding tries. */
  level?: CompressLevels
  /** Content of a known length is compressed from so many bytes on, 0 to 16 MiB. Default 1,024: less grows smaller by little. */
  minBytes?: number
  /**
   * Which media types (`text/html`, lower case, without parameters) are worth it. Default: text, JSON, XML, scripts, SVG, fonts
   * that are not packed, WebAssembly and the like.
   */
  types?: RegExp | ((type: string) => boolean)
  /**
   * Whether what is written to a body of unknown length is sent at once, as it always is for `text/event-stream`. False packs
   * streams a little better, and keeps what comes slowly back. Default true.
   */
  flushStreams?: boolean
  /**
   * Replies to leave alone. `credentials`: those that set cookies, and all for requests with `Cookie` or `Authorization`. Or a
   * function, which must not read the body. Default: none. See `compress` for why.
   */
  leaveOut?: 'credentials' | LeaveOut<S>
  /**
   * Whether a client that takes neither any coding offered nor the content as it is (`identity;q=0`) is answered 406, before
   * anything is asked (RFC 9110 §12.5.3). Default false: it gets the content as it is.
   */
  refuseUnacceptable?: boolean
  /** Replies that are compressed at the same time, 1 to 100,000; others go as they are meanwhile. Default 1,000. */
  maxInflight?: number
}

const { boolean, either, fn, list, number, oneOf, optional, shape } = options

const level = (min: number, max: number) => optional(number({ min, max, integer: true }))

const levels = shape<CompressLevels>({ br: level(0, 11), gzip: level(1, 9), deflate: level(1, 9), zstd: level(1, 19) })

const types: Check<NonNullable<CompressOptions['types']>> = (value, path) => {
  if (value instanceof RegExp || typeof value === 'function') return value as RegExp
  throw options.wrong(value, path, 'a regular expression or a function (type) => boolean')
}

/** What each option must be. */
export const compressChecks: Checks<CompressOptions> = {
  codings: optional(list(oneOf('zstd', 'br', 'gzip', 'deflate'), { min: 1, max: 4 })),
  level: optional(levels),
  minBytes: optional(number({ min: 0, max: 16_777_216, integer: true, unit: 'bytes' })),
  types: optional(types),
  flushStreams: optional(boolean),
  leaveOut: optional(either("'credentials' or a function (ctx, reply) => boolean", oneOf('credentials'), fn<LeaveOut>())),
  refuseUnacceptable: optional(boolean),
  maxInflight: optional(number({ min: 1, max: 100_000, integer: true })),
}
