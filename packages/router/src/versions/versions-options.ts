import { type Check, type Checks, checkOptions, type Handler, options } from '@gatelet/core'

/** In a header field. */
export interface HeaderVersion {
  /** Such as `api-version` or `accept-version`. */
  header: string
}

/** In a vendor's media type in `Accept`. */
export interface VendorVersion {
  /** `application/vnd.shop` for `application/vnd.shop.v2+json`. */
  vendor: string
}

/** In a parameter of a media type in `Accept`. */
export interface ParameterVersion {
  /** `version` for `application/json; version=2`. */
  parameter: string
}

/**
 * Where a request says which version it wants. `path`: `/v2/users` wants `2`, and `/latest/users` the latest; routers behind
 * see what follows.
 */
export type VersionSource = 'path' | HeaderVersion | VendorVersion | ParameterVersion

/** What a version adds to the state. */
export interface VersionState<V extends string = string> {
  /** The version that answers: a name of `versions`, never `latest`. */
  readonly version: V
}

/** One version, and what its clients should know. */
export interface VersionSpec<S extends object = {}> {
  handler: Handler<S>
  /** Since when, or from when on, it should not be used any more: `Deprecation` (RFC 9745). A date, or its ISO text. */
  deprecated?: Date | string
  /** When it will be switched off: `Sunset` (RFC 8594). Not before `deprecated`. It answers afterwards too, until it is taken out. */
  sunset?: Date | string
  /** A page about both: `Link` with the relations `deprecation` and `sunset`. */
  link?: string
}

/** Which versions there are, and how a request names one. */
export interface VersionsOptions<V extends string = string, S extends object = {}> {
  by: VersionSource
  /** By name, of lower-case letters, digits, `.`, `_` and `-`: a handler, or more about the version. In the path without the `v`. */
  versions: { readonly [Name in V]: Handler<NoInfer<S> & VersionState<V>> | VersionSpec<NoInfer<S> & VersionState<V>> }
  /** For requests that name none. Left out: these are refused. */
  default?: NoInfer<V>
  /** What `latest` stands for. Left out: nothing is called so. */
  latest?: NoInfer<V>
}

/** One version, checked. */
export interface Version {
  readonly handler: Handler
  readonly deprecated: Date | undefined
  readonly sunset: Date | undefined
  readonly link: string | undefined
}

/** Options, checked. */
export interface CheckedVersions {
  readonly by: VersionSource
  readonly versions: Readonly<Record<string, Version>>
  readonly default?: string
  readonly latest?: string
}

const date: Check<Date> = (value, path) => {
  const found = typeof value === 'string' ? new Date(value) : value
  if (found instanceof Date && !Number.isNaN(found.getTime())) return found
  throw options.wrong(value, path, 'a date, or a text such as 2027-01-31')
}

const link: Check<string> = (value, path) => {
  if (typeof value === 'string' && URL.canParse(value, 'http://a') && /^[\x21\x23-\x3b\x3d\x3f-\x7e]+$/.test(value)) return value
  throw options.wrong(value, path, 'a URL such as https://example.com/versions')
}

const specChecks: Checks<VersionSpec> = {
  handler: options.fn<Handler>('a handler (ctx) => Reply'),
  deprecated: options.optional(date),
  sunset: options.optional(date),
  link: options.optional(link),
}

const version: Check<Version> = (value, path) => {
  const spec = typeof value === 'function' ? { handler: value } : value
  const { handler, deprecated, sunset, link } = options.shape(specChecks)(spec, path) as Version
  // RFC 9745 §4: it must not end before it is deprecated.
  if (deprecated && sunset && sunset < deprecated) throw options.wrong(sunset.toISOString(), `${path}.sunset`, 'after deprecated')
  return { handler, deprecated, sunset, link }
}

const versions: Check<Readonly<Record<string, Version>>> = (value, path) => {
  const found = options.record(version)(value, path)
  const names = Object.keys(found)
  if (names.length === 0) throw options.wrong(value, path, 'at least one version')
  const bad = names.find((name) => name === 'latest' || !/^[a-z\d][a-z\d._-]*$/.test(name))
  if (bad === undefined) return found
  throw options.wrong(bad, `${path}.${bad}`, 'a name of lower-case letters, digits, ., _ and -, and not latest')
}

const vendor: Check<string> = (value, path) => {
  if (typeof value === 'string' && /^[a-z]+\/[a-z\d][a-z\d._-]*$/.test(value)) return value
  throw options.wrong(value, path, 'a media type without version and suffix, such as application/vnd.shop')
}

const sources: Readonly<Record<string, Check<VersionSource>>> = {
  header: options.shape<HeaderVersion>({ header: options.token('api-version') }),
  vendor: options.shape<VendorVersion>({ vendor }),
  parameter: options.shape<ParameterVersion>({ parameter: options.token('version') }),
}

const source: Check<VersionSource> = (value, path) => {
  if (value === 'path') return value
  const [name = ''] = typeof value === 'object' && value !== null ? Object.keys(value) : []
  // The first name says which it is; a second one is told by its check.
  const check = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (!check) throw options.wrong(value, path, "'path', or an object with one of header, vendor and parameter")
  return check(value, path)
}

const checks: Checks<CheckedVersions> = {
  by: source,
  versions,
  default: options.optional(options.string),
  latest: options.optional(options.string),
}

/** @throws GatewayError `BAD_OPTION` */
export function checkedVersions(given: unknown): CheckedVersions {
  const checked = checkOptions<CheckedVersions>('versions', given, checks)
  const names = Object.keys(checked.versions)
  for (const field of ['default', 'latest'] as const) {
    const name = checked[field]
    if (name !== undefined && !names.includes(name)) throw options.wrong(name, field, `one of the versions ${names.join(', ')}`)
  }
  return checked
}
