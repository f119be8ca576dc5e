import { createHash, type X509Certificate } from 'node:crypto'
import { type Checks, type Clock, checkOptions, type MaybePromise, options, systemClock } from '@gatelet/core'
import { lookedUp } from '../looked-up.ts'
import { type Principal, type PrincipalInit, principalOf } from '../principal.ts'
import { absent, type Refused, type Verifier } from '../verifier.ts'
import { type CertificateSourceOptions, certificateSourceCheck, presentedCertificate } from './presented.ts'

type Holder = Omit<PrincipalInit, 'scheme' | 'expiresAt'>

/** Which client certificates are taken, and who they are. */
export interface CertificateVerifierOptions extends CertificateSourceOptions {
  /**
   * Says who a certificate is: by its `subject`, `subjectAltName` or `fingerprint256`. That it is one of the authorities that are
   * trusted has been checked; which of their certificates may come in has not. @returns undefined for one that is not taken. Throws or
   * rejects where that cannot be said: 503
   */
  identify: (certificate: X509Certificate) => MaybePromise<Holder | undefined>
  clock?: Clock
}

const checks: Checks<CertificateVerifierOptions> = {
  header: (value, path) => certificateSourceCheck({ [nameOf(path)]: value }, '').header,
  format: (value, path) => certificateSourceCheck({ [nameOf(path)]: value }, '').format,
  identify: options.fn<CertificateVerifierOptions['identify']>('a function (certificate) => who it is, or undefined'),
  clock: options.optional(options.clock),
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/**
 * Verifies who is asking by the client certificate of the connection (mTLS), or by what a trusted proxy in front tells of it.
 * @throws GatewayError `BAD_OPTION`
 * @example certificate({ identify: ({ fingerprint256 }) => devices.get(fingerprint256) })
 */
export function certificate(given: CertificateVerifierOptions): Verifier {
  const { identify, clock = systemClock, ...source } = checkOptions('certificate', given, checks)
  return {
    challenges: [{ scheme: 'Certificate', params: {} }],
    verify(ctx) {
      const presented = presentedCertificate(ctx, source)
      if (presented === undefined) return absent
      if (presented === 'malformed') return malformed
      // It was good when the connection began, which may be long ago, or have been taken up again.
      if (!isGoodAt(presented, clock.date())) return expired
      return lookedUp(
        () => identify(presented),
        (who) => (who ? { kind: 'proved', principal: principalFor(who, presented) } : unknown),
      )
    },
  }
}

const isGoodAt = ({ validFrom, validTo }: X509Certificate, now: number): boolean =>
  Date.parse(validFrom) <= now && now < Date.parse(validTo)

const principalFor = (who: Holder, { validTo }: X509Certificate): Principal =>
  principalOf({ ...who, scheme: 'certificate', expiresAt: Date.parse(validTo) })

/** What a token is bound to (RFC 8705 §3.1): SHA-256 of the certificate in DER, in base64url. */
export function certificateThumbprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('base64url')
}

const malformed: Refused = { kind: 'refused', status: 400, reason: 'malformed-certificate' }
const unknown: Refused = { kind: 'refused', status: 401, reason: 'unknown-certificate' }
const expired: Refused = { kind: 'refused', status: 401, reason: 'expired' }
