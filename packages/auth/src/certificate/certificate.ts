import { createHash, type X509Certificate } from 'node:crypto'
import { type Checks, checkOptions, options } from '@gatelet/core'
import { type PrincipalInit, principalOf } from '../principal.ts'
import { absent, type Refused, type Verdict, type Verifier } from '../verifier.ts'
import { type CertificateSourceOptions, certificateSourceCheck, presentedCertificate } from './presented.ts'

/** Which client certificates are taken, and who they are. */
export interface CertificateVerifierOptions extends CertificateSourceOptions {
  /**
   * Says who a certificate is: by its `subject`, `subjectAltName` or `fingerprint256`. That it is one of the authorities that are
   * trusted has been checked; which of their certificates may come in has not. @returns undefined for one that is not taken
   */
  identify: (certificate: X509Certificate) => Omit<PrincipalInit, 'scheme' | 'expiresAt'> | undefined
}

const checks: Checks<CertificateVerifierOptions> = {
  header: (value, path) => certificateSourceCheck({ [nameOf(path)]: value }, '').header,
  format: (value, path) => certificateSourceCheck({ [nameOf(path)]: value }, '').format,
  identify: options.fn<CertificateVerifierOptions['identify']>('a function (certificate) => who it is, or undefined'),
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/**
 * Verifies who is asking by the client certificate of the connection (mTLS), or by what a trusted proxy in front tells of it.
 * @throws GatewayError `BAD_OPTION`
 * @example certificate({ identify: ({ fingerprint256 }) => devices.get(fingerprint256) })
 */
export function certificate(given: CertificateVerifierOptions): Verifier {
  const { identify, ...source } = checkOptions('certificate', given, checks)
  return {
    challenges: [{ scheme: 'Certificate', params: {} }],
    verify(ctx): Verdict {
      const presented = presentedCertificate(ctx, source)
      if (presented === undefined) return absent
      if (presented === 'malformed') return malformed
      const who = identify(presented)
      if (!who) return unknown
      return {
        kind: 'proved',
        principal: principalOf({ ...who, scheme: 'certificate', expiresAt: Date.parse(presented.validTo) }),
      }
    },
  }
}

/** What a token is bound to (RFC 8705 §3.1): SHA-256 of the certificate in DER, in base64url. */
export function certificateThumbprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('base64url')
}

const malformed: Refused = { kind: 'refused', status: 400, reason: 'malformed-certificate' }
const unknown: Refused = { kind: 'refused', status: 401, reason: 'unknown-certificate' }
