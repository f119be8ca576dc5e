import { type Check, type Checks, options, type Pem, pem } from '@gatelet/core'

/** One certificate of a server. */
export interface CertificateOptions {
  /** The certificate, and behind it the chain up to one that clients know. A file is watched. */
  cert: Pem
  key: Pem
  /** For a key that is encrypted. */
  passphrase?: string
  /**
   * The names for which clients get it (SNI): exact ones, or `*.example.com` for one label in the place of the star. Default:
   * the names that the certificate itself gives.
   */
  names?: readonly string[]
}

/** Whether clients have to prove who they are by a certificate. */
export interface ClientCertificateOptions {
  /** Who vouches for them: certificates of authorities, at least one. */
  ca: Pem | readonly Pem[]
  /**
   * Whether a client without one, or with one that nobody vouches for, gets no connection. False: its requests come, and
   * `clientCertificateOf` finds nothing. Default true.
   */
  required?: boolean
}

/** How a server speaks TLS. Files are read again when they change; connections stay as they are. */
export interface ServeTlsOptions extends CertificateOptions {
  /** More certificates, 1,000 at most. The first whose names fit is taken, exact ones before those with a star; else `cert`. */
  others?: readonly CertificateOptions[]
  clientCertificates?: ClientCertificateOptions
  /** Default TLSv1.2. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** How long a handshake may take, in milliseconds. Default 10,000. */
  handshakeTimeoutMs?: number
}

const { boolean, either, list, milliseconds, oneOf, optional, shape, string, wrong } = options

const name: Check<string> = (value, path) => {
  const isName = typeof value === 'string' && /^(?:\*\.)?(?:[a-z0-9_-]+\.)*[a-z0-9_-]+$/i.test(value)
  if (!isName) throw wrong(value, path, 'a host name such as example.com, or *.example.com')
  return value.toLowerCase()
}

const certificateChecks: Checks<CertificateOptions> = {
  cert: pem,
  key: pem,
  passphrase: optional(string),
  names: optional(list(name, { min: 1, max: 1_000 })),
}

export const tlsChecks: Checks<ServeTlsOptions> = {
  ...certificateChecks,
  others: optional(list(shape(certificateChecks), { max: 1_000 })),
  clientCertificates: optional(
    shape<ClientCertificateOptions>({
      ca: either('a PEM text, its bytes, the path of a file, or a list of such', pem, list(pem, { min: 1, max: 1_000 })),
      required: optional(boolean),
    }),
  ),
  minVersion: optional(oneOf('TLSv1.2', 'TLSv1.3')),
  handshakeTimeoutMs: optional(milliseconds()),
}
