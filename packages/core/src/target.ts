import { isIPv6 } from 'node:net'
import { parsedIpv6 } from './address.ts'
import { GatewayError } from './errors.ts'

/** Which doubtful paths are let through. Each is refused unless it is switched on, since servers disagree on its meaning. */
export interface PathOptions {
  /** Lets `//` through, as an empty segment. */
  doubleSlash?: boolean
  /** Lets `%2F` through, as data of its segment. */
  encodedSlash?: boolean
  /** Lets `%5C` through, as data of its segment. */
  encodedBackslash?: boolean
}

/** A request target in its canonical form. */
export interface CanonicalTarget {
  readonly path: string
  /** With its `?`; empty when there is none. */
  readonly search: string
  /** What an absolute-form target (`GET http://host/path`) names; it must be the same as `Host`. */
  readonly authority?: string
  readonly scheme?: 'http' | 'https'
}

/**
 * Canonicalises a request target once, for everything behind (RFC 3986 §6.2.2): percent-encodings of unreserved
 * characters are decoded, hex is upper case, then dot segments are removed; the query stays byte for byte.
 *
 * Refused, because servers read them differently: NUL, control bytes, spaces and non-ASCII, a `%` without two hex digits,
 * overlong UTF-8, `\`, `#`, dot segments that only some servers see (`..;`, `..%2F`); and, unless switched on, `//`, `%2F`,
 * `%5C`. `;` is data. A `..` above the root stays at the root.
 * @throws GatewayError `BAD_TARGET`, whose detail says what is wrong and which option would let it through
 */
export function canonicalize(target: string, options: PathOptions = {}): CanonicalTarget {
  return canonical(target, options)
}

/**
 * The same for in front of a framework, whose own router reads the raw path: only NUL, control bytes and a `%` without two
 * hex digits are refused. What else is doubtful is read as data: `%2F` stays encoded, `\` becomes `%5C`, `#` `%23`.
 * @throws GatewayError `BAD_TARGET`
 */
export function canonicalizeLeniently(target: string): CanonicalTarget {
  return canonical(target, leniently)
}

interface Rules extends PathOptions {
  readonly isLenient?: boolean
}

const leniently: Rules = { doubleSlash: true, encodedSlash: true, encodedBackslash: true, isLenient: true }

function canonical(target: string, options: Rules): CanonicalTarget {
  if (alreadyCanonical.test(target)) {
    const question = target.indexOf('?')
    return question < 0 ? { path: target, search: '' } : { path: target.slice(0, question), search: target.slice(question) }
  }
  if (target.startsWith('/')) return canonicalOrigin(target, options)
  const absolute = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(target)
  if (!absolute) throw bad('It must start with a slash')
  const [, scheme = '', authority = '', rest = ''] = absolute
  return {
    ...canonicalOrigin(rest.startsWith('/') ? rest : `/${rest}`, options),
    authority,
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
  }
}

/** The path alone. @throws GatewayError `BAD_TARGET` */
export function canonicalizePath(path: string, options: PathOptions = {}): string {
  if (!path.includes('?') && alreadyCanonical.test(path)) return path
  if (!path.startsWith('/')) throw bad('It must start with a slash')
  return canonicalPath(path, options)
}

// No percent sign, no segment that starts with a dot, no empty segment but the last, no character to refuse: nearly every
// request. Linear: each segment starts with a slash, so there is one way to match.
const alreadyCanonical = /^(?=\/)(?:\/[\w\-~!$&'()*+,;=:@][\w\-.~!$&'()*+,;=:@]*)*\/?(?:\?[\x21\x22\x24-\x7e]*)?$/

function canonicalOrigin(target: string, options: Rules): CanonicalTarget {
  const question = target.indexOf('?')
  const search = question < 0 ? '' : target.slice(question)
  const path = question < 0 ? target : target.slice(0, question)
  if (!options.isLenient) return { path: canonicalPath(path, options), search: checkedSearch(search) }
  if (/[^ -~\u{80}-\u{10ffff}]/u.test(target)) throw bad('It has a control byte')
  return { path: canonicalPath(path.replace(/[^\x21-\x7e]|[\\#]/gu, escaped), options), search }
}

// Node reads a target as latin1: one character, one byte. Others come from a framework's own rewriting.
const escaped = (char: string): string => [...Buffer.from(char, char <= '\xff' ? 'latin1' : 'utf8')].map(encoded).join('')

/** A query with its `?`, or nothing, as it is. @throws GatewayError `BAD_TARGET` for what cannot be one */
export function checkedSearch(search: string): string {
  if (search !== '' && !search.startsWith('?')) throw bad('The query must start with a question mark')
  if (/[^\x21-\x7e]/.test(search)) throw bad('The query has a control byte, a space or a character that is not ASCII')
  if (search.includes('#')) throw bad('It has a fragment (#)')
  return search
}

function canonicalPath(path: string, options: Rules): string {
  if (/[^\x21-\x7e]/.test(path)) throw bad('The path has a control byte, a space or a character that is not ASCII')
  if (path.includes('\\')) throw bad('The path has a backslash')
  if (path.includes('#')) throw bad('It has a fragment (#)')
  if (path.includes('?')) throw bad('The path has a question mark')
  const decoded = decodeUnreserved(path, options)
  // Before dot segments go: `/a//../b` is `/a/b` for one server and `/b` for another.
  if (!options.doubleSlash && decoded.includes('//')) throw bad('The path has an empty segment (//)', 'doubleSlash')
  if (options.isLenient) return withoutDotSegments(decoded)
  if (overlong.test(decoded)) throw bad('The path has an overlong UTF-8 sequence')
  if (disguised.test(decoded))
    throw bad('The path has a dot segment beside a semicolon, an encoded slash or an encoded backslash')
  return withoutDotSegments(decoded)
}

// A character written in more bytes than it needs: `%C0%AF` is a slash to a careless decoder.
const overlong = /%C[01]%[89AB]|%E0%[89]|%F0%8/

// `/..;/` is `/../` for servers that strip path parameters, `/..%2F` for servers that decode before they look.
const disguised = /(?:\/|%2F|%5C)\.\.?(?:;|%3B|%2F|%5C)|(?:%2F|%5C)\.\.?(?:\/|$)/

function decodeUnreserved(path: string, options: PathOptions): string {
  return path.replace(/%(..?)?|["<>^`{|}]/g, (found) => {
    if (found.length === 1 && found !== '%') return encoded(found.charCodeAt(0))
    if (!/^%[0-9a-f]{2}$/i.test(found)) throw bad('The path has a % that is not followed by two hex digits')
    const code = Number.parseInt(found.slice(1), 16)
    if (code < 0x20 || code === 0x7f) throw bad('The path has an encoded control byte')
    if (code === 0x2f && !options.encodedSlash) throw bad('The path has an encoded slash (%2F)', 'encodedSlash')
    if (code === 0x5c && !options.encodedBackslash) throw bad('The path has an encoded backslash (%5C)', 'encodedBackslash')
    const char = String.fromCharCode(code)
    return /[\w\-.~]/.test(char) ? char : found.toUpperCase()
  })
}

const encoded = (code: number) => `%${code.toString(16).toUpperCase().padStart(2, '0')}`

// RFC 3986 §5.2.4. A `..` above the root stays at the root, as browsers and nginx have it.
function withoutDotSegments(path: string): string {
  if (!path.includes('/.')) return path
  const kept: string[] = []
  const segments = path.split('/')
  segments.forEach((segment, at) => {
    if (segment !== '.' && segment !== '..') {
      kept.push(segment)
      return
    }
    if (segment === '..' && kept.length > 1) kept.pop()
    if (at === segments.length - 1) kept.push('')
  })
  return kept.join('/')
}

function bad(what: string, option?: keyof PathOptions): GatewayError {
  const hint = option ? `; the option paths.${option} lets it through` : ''
  return new GatewayError('BAD_TARGET', { detail: `${what}${hint}` })
}

/** An authority in its canonical form. */
export interface CanonicalHost {
  /** Lower case, no trailing dot; IPv6 in brackets, in its shortest form. */
  readonly host: string
  /** Undefined when it is the default of the scheme. */
  readonly port: number | undefined
}

/**
 * Canonicalises what `Host` (or `:authority`) says (RFC 9110 §7.2, RFC 3986 §3.2.2). User information, paths, percent
 * signs and everything else that is not a host name or an address is refused.
 * @throws GatewayError `BAD_HOST`
 */
export function canonicalizeHost(value: string, scheme: 'http' | 'https'): CanonicalHost {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{0,5}))?$/i.exec(value)
  if (!match || value.length > 261) throw badHost()
  const [, name = '', digits = ''] = match
  const port = digits === '' ? undefined : Number(digits)
  if (port !== undefined && (port === 0 || port > 65_535)) throw badHost()
  return { host: canonicalName(name.toLowerCase()), port: port === (scheme === 'https' ? 443 : 80) ? undefined : port }
}

function canonicalName(name: string): string {
  if (name.startsWith('[')) {
    const address = name.slice(1, -1)
    if (!isIPv6(address)) throw badHost()
    return `[${parsedIpv6(address).toRFC5952String()}]`
  }
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  if (bare === '' || bare.length > 253 || bare.startsWith('.') || name.includes('..')) throw badHost()
  return bare
}

const badHost = () =>
  new GatewayError('BAD_HOST', { detail: 'The Host header must be a host name or an address, with a port if need be' })
