import type { X509Certificate } from 'node:crypto'

/** The certificate of a client, as events of API Gateway tell of it. */
export interface LambdaClientCertificate {
  clientCertPem: string
  /** `CN=…,O=…`, in the order of the certificate. */
  subjectDN: string
  issuerDN: string
  /** `a1:0b:…` */
  serialNumber: string
  /** `May 28 12:30:02 2019 GMT` */
  validity: { notBefore: string; notAfter: string }
}

export function certificateOf(certificate: X509Certificate): LambdaClientCertificate {
  const { subject, issuer, serialNumber, validFrom, validTo } = certificate
  return {
    clientCertPem: certificate.toString(),
    subjectDN: namesIn(subject).join(','),
    issuerDN: namesIn(issuer).join(','),
    serialNumber: serialNumber.toLowerCase().replace(/..(?=.)/g, '$&:'),
    validity: { notBefore: validFrom, notAfter: validTo },
  }
}

/** The fields by which a load balancer that has looked at the certificate of a client (mutual TLS, verify mode) tells of it. */
export function certificateFields(certificate: X509Certificate): [name: string, value: string][] {
  const { subject, issuer, serialNumber, validFrom, validTo } = certificate
  return [
    [`${CERTIFICATE_FIELD}-serial-number`, serialNumber],
    [`${CERTIFICATE_FIELD}-issuer`, rfc2253(issuer)],
    [`${CERTIFICATE_FIELD}-subject`, rfc2253(subject)],
    [`${CERTIFICATE_FIELD}-validity`, `NotBefore=${isoTime(validFrom)};NotAfter=${isoTime(validTo)}`],
    [`${CERTIFICATE_FIELD}-leaf`, encodeURIComponent(certificate.toString()).replace(/%(?:2B|2F|3D)/g, decodeURIComponent)],
  ]
}

/** Whether a field tells, or seems to tell, what only who ends TLS can know. Functions read `_` and `.` as `-` at times. */
export const tellsOfCertificate = (lower: string): boolean => lower.replace(/[_.]/g, '-').startsWith(CERTIFICATE_FIELD)

const CERTIFICATE_FIELD = 'x-amzn-mtls-clientcert'

// Node has a name a line, escaped as RFC 2253 says; the RFC has the last of them first.
const namesIn = (name: string | undefined): string[] => (name ?? '').split('\n')
const rfc2253 = (name: string | undefined): string => namesIn(name).reverse().join(',')

const isoTime = (time: string): string => new Date(time).toISOString().replace('.000', '')
