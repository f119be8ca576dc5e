import { addressRanges, type Context, GatewayError, isWithin, originalOf } from '@gatelet/core'

const loopback = addressRanges(['127.0.0.0/8', '::1'], 'loopback')
const names = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

// Whoever passes requests on says so by one of these. A proxy on this machine would otherwise let in all the world.
const forwarding = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip']

/**
 * Lets in who is on this machine: the other end of the socket is loopback, nobody has passed the request on, and the host that
 * it names is this machine. The last keeps off pages whose name was bent to 127.0.0.1 (DNS rebinding).
 * @throws GatewayError `FORBIDDEN`
 */
export function admitLoopback({ request }: Context): void {
  const { client, headers, url } = originalOf(request)
  if (!isWithin(client.peer, loopback)) throw refused('This page is for this machine only')
  const isForwarded = headers.raw.some((name, at) => at % 2 === 0 && isForwarding(name.toLowerCase()))
  if (isForwarded) throw refused('This page is not for requests that were passed on')
  if (!names.test(url.host)) throw refused('This page is for the hosts localhost, 127.0.0.1 and [::1]')
}

// `x_forwarded_for` is another spelling that some servers take for the same.
function isForwarding(name: string): boolean {
  const plain = name.replaceAll('_', '-')
  return forwarding.includes(plain) || /^x-forwarded(?:-|$)/.test(plain)
}

function refused(detail: string): GatewayError {
  return new GatewayError('FORBIDDEN', { detail })
}
