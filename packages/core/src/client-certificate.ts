import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Context } from './contract.ts'
import { originalOf } from './request.ts'

/**
 * The certificate by which the client of a request has proved who it is: one that the authorities of
 * `tls.clientCertificates` vouch for. Undefined where there is none, or none that is vouched for. It is that of the
 * connection: behind a proxy that ends TLS, the proxy's.
 * @example
 * chain().provide((ctx) => ({ device: clientCertificateOf(ctx)?.subject }))
 */
export function clientCertificateOf(ctx: Context): X509Certificate | undefined {
  const { socket } = originalOf(ctx.request) as { readonly socket?: Socket }
  // Not `authorized` alone: a reused session without a certificate is authorized for Node.
  return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined
}
