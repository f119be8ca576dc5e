import { createSecureContext, type SecureContext } from 'node:tls'
import { GatewayError } from './errors.ts'
import { boolean, type Check, type Checks, either, list, oneOf, optional, shape, string } from './options.ts'
import { type Pem, pem, readPem } from './pem.ts'

/** How TLS is spoken with upstreams. Files are read once, at the start. */
export interface UpstreamTlsOptions {
  /** Who vouches for the upstreams, in the place of the authorities that Node knows. */
  ca?: Pem | readonly Pem[]
  /** Our own certificate, for upstreams that ask who we are, with the chain behind it; needs `key`. */
  cert?: Pem
  key?: Pem
  /** For a key that is encrypted. */
  passphrase?: string
  /** The name that we ask for (SNI) and that the certificate must be for. Default: the host of the endpoint's URL; never what the client says. */
  servername?: string
  /** Default TLSv1.2. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /**
   * False: whoever answers is believed, so that anybody on the way can read and change everything; said by a warning at the
   * start. For an upstream with a certificate of its own, give that as `ca` instead. Default true.
   */
  rejectUnauthorized?: boolean
}

/** Read and tried. */
export interface UpstreamTls {
  readonly secureContext: SecureContext
  readonly servername: string | undefined
  readonly rejectUnauthorized: boolean
}

/** What each option must be. */
export const upstreamTlsChecks: Check<UpstreamTlsOptions> = shape<UpstreamTlsOptions>({
  ca: optional(either('a PEM text, its bytes, the path of a file, or a list of such', pem, list(pem, { min: 1, max: 1_000 }))),
  cert: optional(pem),
  key: optional(pem),
  passphrase: optional(string),
  servername: optional(string),
  minVersion: optional(oneOf('TLSv1.2', 'TLSv1.3')),
  rejectUnauthorized: optional(boolean),
} satisfies Checks<UpstreamTlsOptions>)

/**
 * @param of whose option `tls` it is, for messages
 * @throws GatewayError `BAD_OPTION` for what cannot be read or does not fit together
 */
export function upstreamTls(given: UpstreamTlsOptions | undefined, of: string): UpstreamTls {
  return given ? readTls(given, of) : usual
}

let usualContext: SecureContext | undefined

// Made when somebody needs it, once: it takes milliseconds.
const usual: UpstreamTls = {
  get secureContext() {
    usualContext ??= createSecureContext({ minVersion: 'TLSv1.2' })
    return usualContext
  },
  servername: undefined,
  rejectUnauthorized: true,
}

function readTls(given: UpstreamTlsOptions, of: string): UpstreamTls {
  const bad = badOf(of)
  const { ca, cert, key, passphrase, servername, minVersion = 'TLSv1.2', rejectUnauthorized = true } = given
  if ((cert === undefined) !== (key === undefined)) throw bad(cert ? 'key' : 'cert', 'must be given too: each needs the other')
  if (!rejectUnauthorized)
    process.emitWarning(
      `${of}: tls.rejectUnauthorized is false, so no upstream has to prove who it is: anybody on the way can read and change everything`,
      'GateletWarning',
    )
  const authorities = ca === undefined ? undefined : (Array.isArray(ca) ? ca : [ca as Pem]).map((each) => read(each, 'ca', bad))
  try {
    const secureContext = createSecureContext({
      minVersion,
      ...(authorities ? { ca: authorities } : {}),
      ...(cert !== undefined && key !== undefined ? { cert: read(cert, 'cert', bad), key: read(key, 'key', bad) } : {}),
      ...(passphrase === undefined ? {} : { passphrase }),
    })
    return { secureContext, servername, rejectUnauthorized }
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const { code = '', message } = error as Error & { code?: string }
    throw bad('key', `does not fit the certificate, or one of the two cannot be read (${code || message})`, error)
  }
}

function read(value: Pem, name: string, bad: Bad): Buffer {
  const bytes = readPem(value, `tls.${name}`)
  // Node takes a text without any for no authority at all.
  if (name === 'ca' && !bytes.includes('-----BEGIN')) throw bad(name, 'has no certificate in PEM')
  return bytes
}

type Bad = (name: string, what: string, cause?: unknown) => GatewayError

const badOf =
  (of: string): Bad =>
  (name, what, cause) =>
    new GatewayError('BAD_OPTION', { path: `tls.${name}`, message: `${of}: tls.${name} ${what}`, cause })
