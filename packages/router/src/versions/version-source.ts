import type { Context, ErrorCode } from '@gatelet/core'
import { mountedIn } from '../mounted.ts'
import { rangesOf } from './accept.ts'
import type { VersionSource } from './versions-options.ts'

/** How a request is asked which version it wants. */
export interface VersionReader {
  /** The request header field that decides, for `Vary`. */
  readonly field?: string
  /** The refusal of a version that is not there, or of none where one must be named. */
  readonly refusal: ErrorCode
  /** What a request must do, for people. */
  readonly advice: string
  /**
   * @param isThere whether a name is one of a version; of undefined, whether there is a default
   * @returns the name, which may be one that is not known; undefined where none is named
   */
  read(ctx: Context, isThere: (name: string | undefined) => boolean): string | undefined
}

/** The reader of a source that was checked. */
export function versionReader(source: VersionSource): VersionReader {
  if (source === 'path') return byPath
  if ('header' in source) return byHeader(source.header.toLowerCase())
  const matcher = 'vendor' in source ? vendorVersion(source.vendor) : parameterVersion(source.parameter.toLowerCase())
  return byMediaType(matcher, 'vendor' in source ? `${source.vendor}.v…` : `;${source.parameter}=…`)
}

const byPath: VersionReader = {
  refusal: 'NOT_FOUND',
  advice: 'The path must begin with a version, such as /v1',
  read(ctx, isThere) {
    const segment = versionSegment(ctx)
    if (segment === 'latest' && isThere(segment)) return segment
    if (!segment.startsWith('v') || segment === 'vlatest') return undefined
    const name = segment.slice(1)
    // `/v9` asks for a version; `/vehicles` does not.
    return isThere(name) || /^\d/.test(name) ? name : undefined
  },
}

/** The first segment of the path that no router around has used up. */
export function versionSegment(ctx: Context): string {
  const from = mountedIn(ctx)?.end ?? 0
  return ctx.request.url.path.slice(from + 1).split('/', 1)[0] ?? ''
}

function byHeader(field: string): VersionReader {
  return {
    field,
    refusal: 'UNKNOWN_VERSION',
    advice: `The header field ${field} must name a version`,
    // Several lines are joined by a comma, which no version has.
    read: (ctx) => ctx.request.headers.get(field)?.trim() || undefined,
  }
}

/** The version that a media range names. */
type RangeVersion = (type: string, parameters: ReadonlyMap<string, string>) => string | undefined

function byMediaType(versionOf: RangeVersion, form: string): VersionReader {
  return {
    field: 'accept',
    refusal: 'NOT_ACCEPTABLE',
    advice: `Accept must name a version, as ${form}`,
    read(ctx, isThere) {
      const ranges = rangesOf(ctx.request.headers.get('accept') ?? '')
      const named = ranges.map(({ type, parameters }) => versionOf(type, parameters))
      // The best that can be given: a version that is there, or no version in particular where there is a default.
      const at = named.findIndex(isThere)
      return at < 0 ? named[0] : named[at]
    },
  }
}

function vendorVersion(vendor: string): RangeVersion {
  const start = `${vendor}.v`
  return (type) => (type.startsWith(start) ? type.slice(start.length).replace(/\+.*/, '') : undefined)
}

function parameterVersion(name: string): RangeVersion {
  return (_, parameters) => parameters.get(name)
}
