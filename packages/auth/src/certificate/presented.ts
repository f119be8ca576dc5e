import { X509Certificate } from 'node:crypto'
import { type Check, type Checks, type Context, clientCertificateOf, isToken, options } from '@gatelet/core'

/** Where the client's certificate is read from. */
export interface CertificateSourceOptions {
  /**
   * The header field in which a proxy in front tells the certificate that it has checked. Believed only from a proxy that is
   * trusted (`trustedProxies` of the adapter); make sure that it takes the field away from what clients send. Default: none, and the
   * certificate is that of the connection.
   */
  header?: string
  /** How it is written there: `pem`, percent-encoded (nginx: `$ssl_client_escaped_cert`), or after RFC 9440. Default `rfc9440`. */
  format?: 'rfc9440' | 'pem'
}

const checks: Checks<CertificateSourceOptions> = {
  header: options.optional((value, path) => {
    if (typeof value === 'string' && isToken(value)) return value.toLowerCase()
    throw options.wrong(value, path, 'the name of a header field, such as client-cert')
  }),
  format: options.optional(options.oneOf('rfc9440', 'pem')),
}

/** What says where certificates come from must be. */
export const certificateSourceCheck: Check<CertificateSourceOptions> = options.shape(checks)

/**
 * The certificate that a client has presented, and somebody has checked: this server's TLS (`tls.clientCertificates`), or a proxy
 * that is trusted.
 * @returns undefined where there is none; `malformed` for what a proxy has told and is none
 */
export function presentedCertificate(
  ctx: Context,
  { header, format = 'rfc9440' }: CertificateSourceOptions,
): X509Certificate | 'malformed' | undefined {
  if (header === undefined) return clientCertificateOf(ctx)
  const { client, headers } = ctx.request
  const [text, another] = client.viaTrustedProxy ? headers.getAll(header) : []
  // One of them is what the client has sent, to a proxy that only adds its own.
  if (another !== undefined) return 'malformed'
  // nginx tells an empty value where there is none.
  if (text === undefined || text === '') return undefined
  try {
    return new X509Certificate(format === 'pem' ? decodeURIComponent(text) : binary(text))
  } catch {
    return 'malformed'
  }
}

// RFC 9440 §2.1, a byte sequence of RFC 9651: `:base64:`.
function binary(text: string): Buffer {
  const [, base64] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text.trim()) ?? []
  if (base64 === undefined) throw new Error('it is no byte sequence')
  return Buffer.from(base64, 'base64')
}
