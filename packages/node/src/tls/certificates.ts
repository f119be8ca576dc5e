import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { GatewayError, isPemFile, type Pem, readPem } from '@gatelet/core'
import type { CertificateOptions, ServeTlsOptions } from './options.ts'

/** What a server shows to whom. Replaced whole when files change. */
export interface Certificates {
  /** For clients that name no server, or one that is not known. */
  readonly fallback: SecureContextOptions
  /** @param name as the client sent it */
  contextFor(name: string): SecureContext
}

/**
 * Reads certificates, keys and authorities, and tries whether they fit together. One that is out of date is told by a warning
 * and taken: it may be renewed before a client comes, and the others are good.
 * @throws GatewayError `BAD_OPTION`, whose path names the option
 */
export function readCertificates(tls: ServeTlsOptions): Certificates {
  const common = commonOf(tls)
  const own = readOne(tls, common, 'tls')
  const exact = new Map<string, SecureContext>()
  const starred = new Map<string, SecureContext>()
  for (const [at, options] of [tls, ...(tls.others ?? [])].entries()) {
    const { context, names } = at === 0 ? own : readOne(options, common, `tls.others[${at - 1}]`)
    for (const name of names) {
      const [map, key] = name.startsWith('*.') ? [starred, name.slice(2)] : [exact, name]
      if (!map.has(key)) map.set(key, context)
    }
  }
  return {
    fallback: own.options,
    contextFor(name) {
      const lower = name.toLowerCase().replace(/\.$/, '')
      // RFC 9525 §6.3: the star stands for one label.
      const dot = lower.indexOf('.')
      return exact.get(lower) ?? (dot < 0 ? undefined : starred.get(lower.slice(dot + 1))) ?? own.context
    },
  }
}

/** The files that options name. */
export function filesOf(tls: ServeTlsOptions): string[] {
  const certificates = [tls, ...(tls.others ?? [])].flatMap(({ cert, key }) => [cert, key])
  return [...certificates, ...authoritiesOf(tls)].filter(isPemFile)
}

function commonOf(tls: ServeTlsOptions): SecureContextOptions {
  const { minVersion = 'TLSv1.2' } = tls
  const ca = authoritiesOf(tls).map((authority) => readPem(authority, 'tls.clientCertificates.ca'))
  for (const each of ca) parsed(each, 'tls.clientCertificates.ca')
  return ca.length > 0 ? { minVersion, ca } : { minVersion }
}

function authoritiesOf({ clientCertificates }: ServeTlsOptions): readonly Pem[] {
  const ca = clientCertificates?.ca ?? []
  return typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca
}

interface One {
  readonly options: SecureContextOptions
  readonly context: SecureContext
  readonly names: readonly string[]
}

function readOne(given: CertificateOptions, common: SecureContextOptions, path: string): One {
  const cert = readPem(given.cert, `${path}.cert`)
  const key = readPem(given.key, `${path}.key`)
  const certificate = parsed(cert, `${path}.cert`)
  const options = { ...common, cert, key, ...(given.passphrase === undefined ? {} : { passphrase: given.passphrase }) }
  if (Date.parse(certificate.validTo) < Date.now())
    process.emitWarning(`${path}.cert is out of date since ${certificate.validTo}`, 'GateletWarning')
  try {
    return { options, context: createSecureContext(options), names: given.names ?? namesIn(certificate) }
  } catch (cause) {
    throw bad(`${path}.key`, 'is not the key of the certificate, or cannot be read', cause)
  }
}

const namesIn = ({ subjectAltName = '' }: X509Certificate): string[] =>
  [...subjectAltName.matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name = '']) => name.toLowerCase())

function parsed(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw bad(path, 'has no certificate in PEM', cause)
  }
}

// Never with what was read: it may be a key.
const bad = (path: string, what: string, cause: unknown) =>
  new GatewayError('BAD_OPTION', { path, message: `${path} ${what}`, cause })
